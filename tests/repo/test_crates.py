"""Which crate may know which, as the architecture draws it; the table is closed."""

import json
import subprocess
import tomllib
from functools import cache
from typing import Any

import pytest

from tests.repo import tree

# Every crate, and the crates of this workspace that it may name. A new crate fails here until
# someone decides where it stands.
MAY_KNOW: dict[str, set[str]] = {
    "tidegate-core": set(),
    "tidegate-memory": {"tidegate-core"},
    "tidegate-remote": {"tidegate-core"},
    "tidegate-redis": {"tidegate-core", "tidegate-remote"},
    "tidegate-postgres": {"tidegate-core", "tidegate-remote"},
    "tidegate-testkit": {"tidegate-core"},
    "tidegate": {
        "tidegate-core",
        "tidegate-memory",
        "tidegate-postgres",
        "tidegate-redis",
        "tidegate-remote",
    },
    "tidegate-observe": {"tidegate"},
    "tidegate-cli": {"tidegate", "tidegate-core", "tidegate-observe"},
    "tidegate-python": {"tidegate", "tidegate-cli", "tidegate-core", "tidegate-observe"},
}
# Known to tests alone.
FOR_TESTS = {"tidegate-testkit"}


@cache
def packages() -> dict[str, dict[str, Any]]:
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--no-deps", "--locked", "--offline"],
        cwd=tree.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {package["name"]: package for package in json.loads(metadata)["packages"]}


def dependencies(crate: str, *, tests: bool) -> set[str]:
    listed = packages()[crate]["dependencies"]
    return {entry["name"] for entry in listed if (entry["kind"] == "dev") is tests}


def test_every_crate_has_its_place() -> None:
    assert set(packages()) == set(MAY_KNOW)


@pytest.mark.parametrize("crate", sorted(MAY_KNOW))
def test_a_crate_names_only_crates_it_may_know(crate: str) -> None:
    own = set(MAY_KNOW)

    assert dependencies(crate, tests=False) & own <= MAY_KNOW[crate]
    assert dependencies(crate, tests=True) & own <= MAY_KNOW[crate] | FOR_TESTS


def test_the_core_depends_on_nothing() -> None:
    assert dependencies("tidegate-core", tests=False) == set()


def test_only_the_binding_names_pyo3() -> None:
    naming = {
        crate
        for crate in packages()
        if any(
            "pyo3" in name for tests in (False, True) for name in dependencies(crate, tests=tests)
        )
    }

    assert naming == {"tidegate-python"}


@pytest.mark.parametrize("crate", sorted(MAY_KNOW))
def test_a_crate_takes_lints_and_version_from_the_workspace(crate: str) -> None:
    manifest = tomllib.loads((tree.ROOT / "crates" / crate / "Cargo.toml").read_text())

    assert manifest["lints"] == {"workspace": True}
    for field in ("version", "edition", "rust-version", "license"):
        assert manifest["package"][field] == {"workspace": True}, field


def test_the_workspace_denies_unsafe_code_and_asks_for_docs() -> None:
    workspace = tomllib.loads((tree.ROOT / "Cargo.toml").read_text())["workspace"]

    assert workspace["lints"]["rust"]["unsafe_code"] == "deny"
    assert workspace["lints"]["rust"]["missing_docs"] == "warn"


# Where unsafe code stands, and nowhere else: each is one small module with its reasons.
UNSAFE = {
    "crates/tidegate-memory/src/load.rs",
    "crates/tidegate-memory/src/region.rs",
    "crates/tidegate-python/src/fastcall.rs",
    "crates/tidegate-python/src/ready.rs",
}


def test_unsafe_code_stands_in_its_own_modules_only() -> None:
    sources = tree.ROOT.glob("crates/*/src/**/*.rs")
    allowing = {
        str(source.relative_to(tree.ROOT))
        for source in sources
        if "allow(unsafe_code" in source.read_text()
    }

    assert allowing <= UNSAFE
