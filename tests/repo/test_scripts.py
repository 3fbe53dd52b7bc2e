"""The scripts behind `./dev test` count, and find interpreters, as they say."""

import subprocess
import sys
from pathlib import Path

import pytest

import counting
import interpreters


def test_the_running_interpreter_is_found() -> None:
    assert "{}.{}".format(*sys.version_info) in interpreters.find()


def test_an_interpreter_on_path_that_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "python3.10"
    stub.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = interpreters.find()

    assert str(stub) not in found.values()
    assert sys.version_info >= (3, 11)
    assert list(found) == ["{}.{}".format(*sys.version_info)]


def test_every_interpreter_found_runs_as_the_version_it_is_listed_under() -> None:
    for version, path in interpreters.find().items():
        answer = subprocess.run([path, "-V"], capture_output=True, text=True, check=True)

        assert answer.stdout.startswith(f"Python {version}.")


def test_the_results_of_cargo_are_counted() -> None:
    line = "test result: ok. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out\n"

    assert counting.from_cargo(line) == counting.Count(12, 1, 2)
    assert counting.from_cargo("test result_is_kept ... ok\n") == counting.Count()


def test_a_report_of_pytest_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    suite = '<testsuite tests="9" failures="1" errors="2" skipped="3"/>'
    report.write_text(f"<testsuites>{suite}</testsuites>")

    assert counting.from_junit(report) == counting.Count(passed=3, failed=3, skipped=3)


def test_a_report_that_was_never_written_counts_nothing(tmp_path: Path) -> None:
    assert counting.from_junit(tmp_path / "none.xml") == counting.Count()
