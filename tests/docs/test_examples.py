"""Every Python example in README.md and docs/ runs."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.docs import blocks
from tests.repo import tree

EXAMPLES = [
    pytest.param(path, block.line, id=f"{tree.name(path)}:{block.line}")
    for path in tree.DOCUMENTS
    for block in blocks.find(path.read_text())
]


@cache
def outcome(path: Path) -> dict[str, str | None]:
    run = subprocess.run(
        [sys.executable, "-W", "error", blocks.__file__, str(path)],
        cwd=tree.ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    results: dict[str, str | None] = json.loads(run.stdout.splitlines()[-1])
    return results


@pytest.mark.parametrize(("path", "line"), EXAMPLES)
def test_the_example_runs(path: Path, line: int) -> None:
    problem = outcome(path)[str(line)]

    assert problem is None, problem


# Guides to Rust, each with the test that compares its blocks with sources that run.
IN_RUST = {"docs/how-to/write-a-store.md": "crates/tidegate/tests/own_store/main.rs"}
# Guides to the command line, each with the test that runs its commands and compares the answers.
IN_CONSOLE = {
    "docs/how-to/command-line.md": "crates/tidegate-cli/tests/document.rs",
    "docs/how-to/simulate.md": "crates/tidegate-cli/tests/simulate/page.rs",
}


@pytest.mark.parametrize(("guide", "test"), IN_RUST.items())
def test_a_guide_in_rust_is_compared_with_what_runs(guide: str, test: str) -> None:
    assert "```rust" in (tree.ROOT / guide).read_text()
    assert f'{guide}")' in (tree.ROOT / test).read_text()


@pytest.mark.parametrize(("guide", "test"), IN_CONSOLE.items())
def test_a_guide_to_the_command_line_is_compared_with_what_runs(guide: str, test: str) -> None:
    assert "```console\n$ tidegate " in (tree.ROOT / guide).read_text()
    assert f'"{guide}"' in (tree.ROOT / test).read_text()


def test_readme_and_every_guide_show_an_example() -> None:
    shown = {tree.name(path) for path in tree.DOCUMENTS if blocks.find(path.read_text())}
    shown |= {*IN_RUST, *IN_CONSOLE}

    assert {"README.md", "docs/tutorial.md"} <= shown
    assert {tree.name(path) for path in (tree.ROOT / "docs/how-to").glob("*.md")} <= shown


def test_a_broken_block_is_reported_at_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nx = 1\n```\n\n<!-- hidden\nassert x == 2\n-->\n")

    results = blocks.run(page)

    assert results[4] is None
    assert "line 8" in (results[8] or "")
    assert "AssertionError" in (results[8] or "")


def test_a_block_in_another_language_is_left_alone() -> None:
    assert blocks.find("```console\n$ ./dev test\n```\n\n```rust\nfn main() {}\n```\n") == []
