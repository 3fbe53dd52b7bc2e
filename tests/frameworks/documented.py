"""The applications of docs/how-to/other-frameworks.md, as they stand there."""

import os
import re
import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "other-frameworks.md"
BLOCK = re.compile(r"^```py(?:thon)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks() -> dict[str, list[str]]:
    """The blocks of code, by the heading that they stand under."""
    _, *sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    parts = (section.partition("\n") for section in sections)
    return {title: BLOCK.findall(text) for title, _, text in parts}


def app(argv: object = None) -> Any:
    """Runs the blocks that `TIDEGATE_TEST_BLOCKS` asks for: a heading, and how many of them.

    In a file of their own, since some frameworks read the source of a handler.
    """
    heading, _, count = os.environ["TIDEGATE_TEST_BLOCKS"].partition(":")
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write("".join(blocks()[heading][: int(count)]))
        file.flush()
        spec = spec_from_file_location("site_of_the_page", file.name)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return module.app
