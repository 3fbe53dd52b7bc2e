"""The table of frameworks is what the tests showed, and has no hole."""

import json
from pathlib import Path

import pytest

import frameworks_table
from frameworks_table import ABILITIES, FRAMEWORKS, NOT_APPLICABLE

TEST = "tests/frameworks/test_servers.py::test_something"


def everything() -> frameworks_table.Shown:
    return {
        framework: {
            ability: [TEST] for ability in ABILITIES if (framework, ability) not in NOT_APPLICABLE
        }
        for framework in FRAMEWORKS
    }


def test_a_table_with_every_cell_has_no_problem() -> None:
    assert frameworks_table.problems(everything()) == []


def test_a_cell_that_no_test_shows_is_named() -> None:
    shown = everything()
    del shown["flask"]["async"]

    assert frameworks_table.problems(shown) == ["flask: no test shows 'async'"]


def test_a_cell_that_is_shown_though_it_does_not_apply_is_named() -> None:
    shown = everything()
    shown["wsgi"]["async"] = [TEST]

    (problem,) = frameworks_table.problems(shown)
    assert problem == "wsgi: 'async' is shown, and said not to apply"


def test_the_page_names_the_test_of_each_cell() -> None:
    page = frameworks_table.render(everything())

    assert page.count("[test_servers](../../tests/frameworks/test_servers.py)") == page.count(
        "`test_something`"
    )
    assert page.count("—") == len(NOT_APPLICABLE)


def test_a_page_that_says_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = tmp_path / "shown.json"
    shown.write_text(json.dumps(everything()))
    page = tmp_path / "page.md"
    page.write_text(frameworks_table.render(everything()))
    monkeypatch.setattr(frameworks_table, "SHOWN", shown)
    monkeypatch.setattr(frameworks_table, "PAGE", page)

    assert frameworks_table.main(["--check"]) == 0
    page.write_text(page.read_text().replace("test_something", "test_other"))
    assert frameworks_table.main(["--check"]) == 1
