"""Compiles the wheel of a release into dist/release/: twice, the second time with a profile.

The profile is of `training.py`, on the first. Needs rustup's component llvm-tools, and takes ten
minutes on two cores. Run by `./dev release`.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "dist" / "release"
# One of its own: with other flags, everything would be compiled anew for `./dev build`.
TARGET = ROOT / "target" / "release-wheel"


def main() -> None:
    for old in OUT.glob("*.whl"):
        old.unlink()
    build = ["build", "--release", "--pgo", "--locked", "--interpreter", sys.executable]
    maturin = [sys.executable, "-m", "maturin", *build, "--out", str(OUT)]
    environ = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    sys.exit(subprocess.run(maturin, cwd=ROOT, env=environ, check=False).returncode)


if __name__ == "__main__":
    main()
