"""What the documents tell people to type exists."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.repo import tree

COMMAND = re.compile(r"\./dev (\w+)((?: \w+)*)")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["./dev", *arguments], cwd=tree.ROOT, capture_output=True, text=True, check=False
    )


def offered() -> set[str]:
    return set(re.findall(r"^  (\w+)", run("help").stdout, re.MULTILINE))


def layers() -> set[str]:
    described = re.search(r"the layers ((?:\w+ ?)+)", run("help").stdout)
    assert described is not None
    return set(described.group(1).split())


@pytest.mark.parametrize("document", tree.DOCUMENTS, ids=tree.name)
def test_every_command_in_a_document_exists(document: Path) -> None:
    # What stands after `#` in an example line says what the command does.
    text = re.sub(r" #.*", "", document.read_text())
    for command, rest in COMMAND.findall(text):
        assert command in offered()
        if command == "test" and rest:
            assert set(rest.split()) <= layers()


def test_the_readme_has_the_two_commands() -> None:
    readme = (tree.ROOT / "README.md").read_text()

    assert {"demo", "test"} <= {command for command, _ in COMMAND.findall(readme)}


def test_help_names_every_layer() -> None:
    source = (tree.ROOT / "scripts" / "layers.py").read_text()
    table = source.partition("LAYERS")[2]

    assert layers() == set(re.findall(r'^    "(\w+)": ', table, re.MULTILINE))


def test_a_command_that_does_not_exist_is_named_and_fails() -> None:
    answer = run("tset")

    assert answer.returncode == 1
    assert "no command 'tset'" in answer.stderr


def test_ci_is_the_command_that_developers_run() -> None:
    ci = tree.ROOT / ".ci" / "run"

    assert ci.read_text().splitlines()[-1].endswith('/../dev" test')
    for script in (ci, tree.ROOT / "dev"):
        assert script.stat().st_mode & 0o111, tree.name(script)


def test_both_licences_are_there_and_named() -> None:
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())["project"]
    workspace = tomllib.loads((tree.ROOT / "Cargo.toml").read_text())["workspace"]

    assert project["license"] == workspace["package"]["license"] == "MIT OR Apache-2.0"
    for licence in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert licence in project["license-files"]
        assert len((tree.ROOT / licence).read_text()) > 1000
