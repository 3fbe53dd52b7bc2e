"""What the benchmarks run in: an environment with the other libraries, and release builds.

All of it is below `.venvs/` and `target/`, and made again only when something changed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venvs" / "bench"
PYTHON = VENV / "bin" / "python"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench"
WHEELS = TARGET / "wheels"
REQUIREMENTS = ROOT / "bench" / "requirements.txt"
PROGRAM = TARGET / "release" / "tidegate-bench"
LIBRARY = ROOT / "crates" / "tidegate-python" / "Cargo.toml"
BARE = ROOT / "bench" / "python" / "bare" / "Cargo.toml"


def prepare(*, as_released: bool) -> None:
    """Makes the environment and compiles everything that is measured.

    Args:
        as_released: compile the library with a profile, as `./dev release` does: takes minutes.
    """
    print("bench: building")
    _fill_venv()
    manifest = ROOT / "bench" / "rust" / "Cargo.toml"
    # Not `--locked`: what the library itself depends on is settled by its own lock file.
    _run("cargo", "build", "--quiet", "--release", "--manifest-path", str(manifest))
    for old in WHEELS.glob("*.whl"):
        old.unlink()
    for manifest, profile in ((LIBRARY, ["--pgo"] if as_released else []), (BARE, [])):
        build = ["-m", "maturin", "build", "--quiet", "--release", "--locked", *profile]
        where = ["--manifest-path", str(manifest), "--out", str(WHEELS), "-i", str(PYTHON)]
        _run(sys.executable, *build, *where)
    wheels = [str(wheel) for wheel in WHEELS.glob("*.whl")]
    _pip("--force-reinstall", "--no-deps", "--no-index", *wheels)


def python(*arguments: str) -> str:
    """Runs a module of the benchmarks in their environment; returns what it prints."""
    environ = {**os.environ, "PYTHONHASHSEED": "random"}
    return _output(str(PYTHON), "-m", *arguments, environ=environ)


def program(*arguments: object) -> str:
    """Runs the Rust program; returns what it prints."""
    return _output(str(PROGRAM), *(str(argument) for argument in arguments))


def example(crate: str, name: str) -> str:
    """Builds an example of a crate and runs it; returns what it prints."""
    argv = ["run", "--quiet", "--release", "--locked", "-p", crate, "--example", name]
    return _output("cargo", *argv, environ={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})


def need(program: str) -> None:
    """Sees that a program is there; installs the Debian package of its name otherwise."""
    if shutil.which(program) is None:
        _run("scripts/install.sh", program)


def _fill_venv() -> None:
    stamp = VENV / "stamp"
    wanted = "\n".join([sys.version, str(VENV), REQUIREMENTS.read_text()])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV))
    _pip("-r", str(REQUIREMENTS))
    stamp.write_text(wanted)


def _pip(*arguments: str) -> None:
    _run(sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", *arguments)


def _run(*argv: str) -> None:
    environ = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    subprocess.run(argv, cwd=ROOT, env=environ, check=True)


def _output(*argv: str, environ: dict[str, str] | None = None) -> str:
    run = subprocess.run(argv, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout
