"""Chooses what watches the memory that the table's tests touch.

The address sanitizer when rustup has a nightly compiler, which alone can build with it;
valgrind otherwise. Runs no test itself; that is the business of `run_tests`.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field

# Valgrind needs the symbols of the C library, which Debian only recommends with it.
PACKAGES = ("valgrind", "libc6-dbg")

# Where the sanitizer's runtime comes with the compiler.
SANITIZED = re.compile(r"nightly-((?:x86_64|aarch64)-unknown-linux-gnu)\b")

# Leaks are not looked for: the test harness keeps some memory to the end.
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=9", "--leak-check=no", "--fair-sched=yes"]


@dataclass(frozen=True)
class Checker:
    """A way to run `cargo test` under watch: what `argv` and the environment begin with."""

    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)


def sanitizer() -> Checker | None:
    """Returns the address sanitizer; `None` without a nightly compiler that has it."""
    listed = SANITIZED.search(_output(["rustup", "toolchain", "list"]))
    if listed is None:
        return None
    env = {"RUSTFLAGS": "-Zsanitizer=address", "CARGO_TARGET_DIR": "target/asan"}
    argv = ["cargo", "+nightly", "test", "--target", listed.group(1)]
    return Checker("address sanitizer", argv, env)


def valgrind() -> Checker | None:
    """Returns valgrind; `None` when it does not run."""
    if not _output(["valgrind", "--version"]):
        return None
    runner = ", ".join(f'"{word}"' for word in VALGRIND)
    argv = ["cargo", "test", "--config", f"target.'cfg(all())'.runner = [{runner}]"]
    return Checker("valgrind", argv)


def can_install() -> bool:
    """Whether `PACKAGES` can be installed without asking anybody."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _output(argv: list[str]) -> str:
    try:
        answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return answer.stdout if answer.returncode == 0 else ""
