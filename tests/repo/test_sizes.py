"""Files stay small enough to be read in one go."""

import pytest

from tests.repo import tree

LONGEST = 400
LONGEST_OF = {"dev": 149, "README.md": 150}
SOURCES = {".rs", ".py", ".pyi", ".sh", ".lua", ".sql", ".md", ".js", ".css", ".html"}


def lines(text: str) -> list[str]:
    return text.splitlines()


def is_generated(text: str) -> bool:
    return any("generated" in line.lower() for line in lines(text)[:3])


def test_no_source_file_is_too_long() -> None:
    too_long = []
    for path in tree.files():
        if path.suffix not in SOURCES and tree.name(path) not in LONGEST_OF:
            continue
        text = tree.text(path) or ""
        most = LONGEST_OF.get(tree.name(path), LONGEST)
        if len(lines(text)) > most and not is_generated(text):
            too_long.append(f"{tree.name(path)}: {len(lines(text))} lines, at most {most}")

    assert too_long == []


@pytest.mark.parametrize("name", sorted(LONGEST_OF))
def test_every_file_with_a_bound_of_its_own_exists(name: str) -> None:
    assert (tree.ROOT / name).is_file()
