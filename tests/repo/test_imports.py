"""Which Python module may import which, as the architecture draws it; the table is closed."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo import tree

PACKAGE = tree.ROOT / "python" / "tidegate"

# From what knows nobody to what knows everybody. A module imports from the rows above its own,
# or from its own. A new public module fails here until someone gives it a row.
ROWS: list[set[str]] = [
    {"errors"},
    {"_native"},
    {"stores"},
    {"asgi", "wsgi"},  # and the private modules, but for those named below
    {"starlette"},
    {"flask", "fastapi", "django", "aiohttp"},
    {"drf"},
    {"_protect", "testing"},
    {"__init__"},
    {"_pytest_plugin", "__main__"},
]
# The modules that may import a package that is neither ours nor Python's.
FOREIGN: dict[str, set[str]] = {
    "flask": {"click", "flask", "werkzeug"},
    "starlette": {"starlette"},
    "fastapi": {"fastapi", "starlette"},
    "django": {"django", "asgiref"},
    "aiohttp": {"aiohttp"},
    "drf": {"django", "rest_framework"},
    "_pytest_plugin": {"pytest"},
}


def module(path: Path) -> str:
    """`django/middleware.py` belongs to `django`."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".pyi").removesuffix(".py")


def sources() -> list[Path]:
    return [path for path in tree.files() if path.is_relative_to(PACKAGE) and path.suffix == ".py"]


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node that runs; what only a type checker reads is no edge."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not is_for_types_only(child):
            yield from walk(child)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, by its absolute name."""
    package = ["tidegate", *path.relative_to(PACKAGE).parts[:-1]]
    for node in walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            if origin == "tidegate":
                yield from (f"tidegate.{alias.name}" for alias in node.names)
            else:
                yield origin


def row_of(name: str) -> int:
    """The row of a module; one that only `__init__` can mean is a name, not a module."""
    for row, names in enumerate(ROWS):
        if name in names:
            return row
    return row_of("asgi") if name.startswith("_") else row_of("__init__")


@pytest.mark.parametrize("path", sources(), ids=tree.name)
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    own = module(path)
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "tidegate":
            known = rest.split(".")[0] or "__init__"
            assert row_of(known) <= row_of(own), f"{own} imports {name}"


@pytest.mark.parametrize("path", sources(), ids=tree.name)
def test_only_an_adapter_imports_its_framework(path: Path) -> None:
    allowed = {"tidegate", *sys.stdlib_module_names, *FOREIGN.get(module(path), set())}

    assert {name.partition(".")[0] for name in imports(path)} <= allowed


def test_every_public_module_has_its_row() -> None:
    public = {module(path) for path in sources() if not module(path).startswith("_")}

    assert public <= set().union(*ROWS)
