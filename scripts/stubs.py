"""Writes python/tidegate/_native.pyi from the compiled module, or checks that it is current.

usage: python scripts/stubs.py [--check]

The signatures and docstrings stand in the Rust sources. What PyO3 cannot derive is annotated
there as text, which arrives quoted and without imports: ruff unquotes it, and the imports are
added here.
"""

from __future__ import annotations

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STUB = ROOT / "python" / "tidegate" / "_native.pyi"
BIN = Path(sys.executable).parent

# Named by the annotations of the Rust sources.
IMPORTS = "".join(
    f"import {name}\n" for name in ("collections.abc", "datetime", "typing", "typing_extensions")
)


def main() -> None:
    generated = generate()
    if sys.argv[1:] != ["--check"]:
        STUB.write_text(generated)
        return
    committed = STUB.read_text() if STUB.exists() else ""
    difference = difflib.unified_diff(
        committed.splitlines(), generated.splitlines(), "committed", "generated", lineterm=""
    )
    if text := "\n".join(difference):
        sys.exit(f"{text}\n_native.pyi is not current; run: ./dev stubs")


def generate() -> str:
    with tempfile.TemporaryDirectory() as folder:
        options = ["--quiet", "-F", "inspect", "--out", folder]
        maturin = [str(BIN / "maturin"), "generate-stubs", *options]
        subprocess.run(maturin, cwd=ROOT, check=True)
        (raw,) = Path(folder).rglob("*.pyi")
        return tidy(raw.read_text())


def tidy(text: str) -> str:
    docstring_end = text.index('"""', text.index('"""') + 3) + 3
    text = f"{text[:docstring_end]}\n\n{IMPORTS}{text[docstring_end:]}"
    for command in (
        ["check", "--isolated", "--fix", "--exit-zero", "--select=UP037,I,F401,D200,D212"],
        ["format", "--isolated", "--line-length=100"],
    ):
        ruff = [str(BIN / "ruff"), *command, "--quiet", "--stdin-filename=_native.pyi", "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


if __name__ == "__main__":
    main()
