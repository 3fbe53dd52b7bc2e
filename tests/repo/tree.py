"""The files of this checkout, for the rules that hold for all of them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], key=lambda path: path.as_posix()
)


def name(path: Path) -> str:
    """Returns the path from the top of the checkout, to name a file in a message."""
    return path.relative_to(ROOT).as_posix()


@cache
def files() -> tuple[Path, ...]:
    """Returns every file that is committed or about to be; what git ignores is left out."""
    # A checkout may belong to another user than the one who runs the tests.
    git = ["git", "-c", f"safe.directory={ROOT}"]
    listing = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = (ROOT / entry for entry in listing.split("\0") if entry)
    return tuple(sorted(path for path in paths if path.is_file()))


def text(path: Path) -> str | None:
    """Returns what a file says, or `None` when it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
