"""Words that belong to one machine, or to no repository at all, stay out of the files."""

import re
from pathlib import Path

import pytest

from tests.repo import tree

# Written in pieces, because this file is searched as well.
BANNED = {
    "a path of one machine": re.compile(r"(?<![\w.$}/])/(?:ro" + r"ot|wo" + r"rk|ho" + r"me)/"),
    "a task without an issue": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b(?!\(#\d+\))"),
    "a conflict left unsolved": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
    "a test switched off": re.compile(r"pytest\.mark\." + r"skip\b|#\[ig" + r"nore\]"),
}
EXEMPT = {"Cargo.lock", "LICENSE-APACHE"}


def search(path: Path, pattern: re.Pattern[str]) -> list[str]:
    text = tree.text(path)
    if text is None or tree.name(path) in EXEMPT:
        return []
    return [
        f"{tree.name(path)}:{text.count(chr(10), 0, found.start()) + 1}: {found.group()}"
        for found in pattern.finditer(text)
    ]


@pytest.mark.parametrize("what", sorted(BANNED))
def test_no_file_holds(what: str) -> None:
    found = [line for path in tree.files() for line in search(path, BANNED[what])]

    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a path of one machine", "see /ro" + "ot/notes"),
        ("a path of one machine", "'/wo" + "rk/main'"),
        ("a task without an issue", "# TO" + "DO: later"),
        ("a conflict left unsolved", "<" * 7 + " HEAD"),
        ("a test switched off", "#[ig" + "nore]"),
    ],
)
def test_the_search_finds(what: str, line: str) -> None:
    assert BANNED[what].search(line)


def test_the_search_lets_ordinary_text_through() -> None:
    lines = "$root/target https://example.org/home/x TO" + "DO(#12): later frame/work/er"

    assert not any(pattern.search(lines) for pattern in BANNED.values())
