"""What `./dev test` runs: each layer as a sequence of steps.

A layer is a generator, so that a later step can depend on what an earlier one made. Nothing
here runs anything; that is the business of `run_tests`.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import frameworks_table
import interpreters
import memory_check

REPORTS = Path("target/test-reports")
DIST = Path("dist")
WHEEL_TESTS = Path("requirements/wheel-tests.txt")
PYTHON = sys.executable


@dataclass(frozen=True)
class Step:
    """One command, and how its tests are counted.

    `counts` is `"nothing"` for set-up, `"one"` when the command is a test itself, `"cargo"`
    for the output of `cargo test`, and the path of its report for pytest.
    """

    name: str
    argv: list[str]
    counts: Literal["nothing", "one", "cargo"] | Path = "one"
    env: dict[str, str] = field(default_factory=dict)


def _pytest(name: str, *paths: str, python: str = PYTHON, **env: str) -> Step:
    report = REPORTS / f"{name}.xml"
    argv = [python, "-m", "pytest", "-q", f"--junitxml={report}", *paths]
    return Step(f"pytest ({name})", argv, report, env)


def _build() -> Step:
    return Step("build", ["./dev", "build"], "nothing")


def _check() -> Iterator[Step]:
    yield Step("rustfmt", ["cargo", "fmt", "--all", "--check"])
    yield Step("ruff check", [PYTHON, "-m", "ruff", "check", "."])
    yield Step("ruff format", [PYTHON, "-m", "ruff", "format", "--check", "."])
    yield _pytest("repo", "tests/repo")
    clippy = ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]
    yield Step("clippy", clippy)
    yield _build()
    mypy = [PYTHON, "-m", "mypy"]
    yield Step("mypy", [*mypy, "python/tidegate", "tests/typing"])
    own = ["scripts", "bench", "examples", "tests/repo", "tests/docs", "tests/wheel"]
    yield Step("mypy (developers' scripts)", [*mypy, "--python-version", "3.11", *own])
    yield Step("pyright", [PYTHON, "-m", "pyright"])
    yield Step("stub", [PYTHON, "scripts/stubs.py", "--check"])
    yield Step("stubtest", [PYTHON, "-m", "mypy.stubtest", "tidegate._native"])


def _rust() -> Iterator[Step]:
    yield Step("cargo test", ["cargo", "test", "--workspace", "--locked"], "cargo")


def _proof() -> Iterator[Step]:
    loom = ["cargo", "test", "-p", "tidegate-memory", "--locked", "--release", "--test", "loom"]
    env = {"RUSTFLAGS": "--cfg loom", "CARGO_TARGET_DIR": "target/loom"}
    yield Step("loom", loom, "cargo", env)

    checker = memory_check.sanitizer() or memory_check.valgrind()
    if checker is None and memory_check.can_install():
        yield Step("update apt-get", ["apt-get", "update", "-qq"], "nothing")
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        yield Step("install valgrind", [*install, *memory_check.PACKAGES], "nothing")
        checker = memory_check.valgrind()
    if checker is None:
        wanted = " ".join(memory_check.PACKAGES)
        print(f"no nightly compiler and no valgrind; install the Debian packages: {wanted}")
        yield Step("a memory checker", ["false"])
        return
    kinds = ["--lib", "--test", "threads", "--test", "operations", "--test", "shared_file"]
    argv = [*checker.argv, "-p", "tidegate-memory", "--locked", *kinds]
    yield Step(checker.name, argv, "cargo", checker.env)


def _wheel() -> Iterator[Step]:
    for old in (*DIST.glob("tidegate-*.whl"), *DIST.glob("tidegate-*.tar.gz")):
        old.unlink()
    maturin = [PYTHON, "-m", "maturin"]
    build = ["build", "--release", "--locked", "--out", str(DIST), "--interpreter", PYTHON]
    yield Step("build the wheel", [*maturin, *build], "nothing")
    yield Step("pack the sources", [*maturin, "sdist", "--out", str(DIST)], "nothing")
    yield _pytest("distributions", "tests/wheel")

    (wheel,) = DIST.glob("tidegate-*.whl")
    found = interpreters.find()
    print("wheel:", wheel.name, "on CPython", ", ".join(f"{v} ({p})" for v, p in found.items()))
    for version, host in found.items():
        yield from _wheel_on(version, host, wheel)


def _wheel_on(version: str, host: str, wheel: Path) -> Iterator[Step]:
    venv = Path(".venvs", version)
    python = str(venv / "bin/python")
    pip = [PYTHON, "-m", "pip", "--python", python, "install", "--quiet"]
    stamp = venv / "stamp"
    wanted = "\n".join([host, str(venv.absolute()), *_pins()])
    if not stamp.exists() or stamp.read_text() != wanted:
        create = [host, "-m", "venv", "--clear", "--without-pip", str(venv)]
        yield Step(f"make {venv}", create, "nothing")
        yield Step(f"fill {venv}", [*pip, "-r", str(WHEEL_TESTS)], "nothing")
        stamp.write_text(wanted)
    replace = [*pip, "--force-reinstall", "--no-deps", "--no-index", str(wheel)]
    yield Step(f"install on {version}", replace, "nothing")
    yield _pytest(f"wheel-{version}", "tests/unit", "tests/package", python=python)


def _pins() -> list[str]:
    return [WHEEL_TESTS.read_text(), Path("requirements/constraints.txt").read_text()]


def _python() -> Iterator[Step]:
    yield _build()
    kinds = ["unit", "frameworks", "processes", "package", "typing", "stores", "examples", "demo"]
    note = {frameworks_table.VARIABLE: str(frameworks_table.SHOWN)}
    yield _pytest("python", *(f"tests/{kind}" for kind in kinds), **note)
    yield Step("frameworks' table", [PYTHON, "scripts/frameworks_table.py", "--check"])


def _docs() -> Iterator[Step]:
    yield _build()
    rustdoc = ["cargo", "doc", "--workspace", "--no-deps", "--locked"]
    yield Step("rustdoc", rustdoc, "one", {"RUSTDOCFLAGS": "-D warnings"})
    yield _pytest("docs", "tests/docs")


def _demo() -> Iterator[Step]:
    yield _build()
    yield Step("demo", [PYTHON, "-m", "demo", "--seconds", "4"])


LAYERS: dict[str, Callable[[], Iterator[Step]]] = {
    "check": _check,
    "rust": _rust,
    "proof": _proof,
    "wheel": _wheel,
    "python": _python,
    "docs": _docs,
    "demo": _demo,
}
