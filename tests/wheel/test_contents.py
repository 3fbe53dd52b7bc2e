"""What is in the wheel and in the source distribution that `./dev test wheel` made."""

import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

from tests.repo import tree

DIST = tree.ROOT / "dist"


def only(pattern: str) -> Path:
    (found,) = DIST.glob(pattern)
    return found


def wheel() -> zipfile.ZipFile:
    return zipfile.ZipFile(only("tidegate-*.whl"))


def metadata() -> str:
    with wheel() as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name).decode()


def package_files() -> set[str]:
    package = tree.ROOT / "python"
    return {
        path.relative_to(package).as_posix()
        for path in tree.files()
        if path.is_relative_to(package)
    }


def test_one_wheel_serves_every_cpython_from_the_oldest() -> None:
    assert "-cp310-abi3-" in only("tidegate-*.whl").name


def test_the_wheel_holds_the_package_and_nothing_else() -> None:
    with wheel() as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert names == package_files() | {"tidegate/_native.abi3.so"}


def test_the_package_says_that_it_is_typed() -> None:
    assert {"tidegate/py.typed", "tidegate/_native.pyi"} <= package_files()


def test_the_wheel_holds_both_licences() -> None:
    with wheel() as archive:
        names = {Path(name).name for name in archive.namelist() if "/licenses/" in name}

    assert names == {"LICENSE-MIT", "LICENSE-APACHE"}


def test_the_wheel_asks_for_nothing_else() -> None:
    fields = Parser().parsestr(metadata())

    assert fields.get_all("Requires-Dist") is None
    assert fields["Requires-Python"] == ">=3.10"
    assert fields["License-Expression"] == "MIT OR Apache-2.0"


def test_the_wheel_brings_the_pytest_plugin() -> None:
    with wheel() as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        entries = archive.read(name).decode()

    assert "[pytest11]\ntidegate=tidegate._pytest_plugin" in entries.replace(" ", "")


def test_the_sources_are_enough_to_build_from() -> None:
    with tarfile.open(only("tidegate-*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    wanted = {"Cargo.lock", "pyproject.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE"}
    assert wanted <= names
    assert {f"python/{name}" for name in package_files()} <= names
    assert "crates/tidegate-core/src/lib.rs" in names
