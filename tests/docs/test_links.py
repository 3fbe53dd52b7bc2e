"""Every link in the documents that stays in this repository leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo import tree

LINK = re.compile(r"\]\((?!https?://)([^)\s]*)\)")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The names that a page's headings get on GitHub."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def broken(path: Path) -> Iterator[str]:
    for link in LINK.findall(FENCED.sub("", path.read_text())):
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("path", tree.DOCUMENTS, ids=tree.name)
def test_no_link_is_broken(path: Path) -> None:
    assert list(broken(path)) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One title\n\n[a](#one-title) [b](#other) [c](none.md) [d](page.md)\n")

    assert list(broken(page)) == ["#other", "none.md"]
