"""Counts tests from what their runners report."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_CARGO_RESULT = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")


@dataclass
class Count:
    """Numbers of tests, by how they ended."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )


def from_cargo(line: str) -> Count:
    """Counts what one line of `cargo test` reports; nothing for most lines."""
    result = _CARGO_RESULT.match(line)
    return Count(*map(int, result.groups())) if result else Count()


def from_junit(report: Path) -> Count:
    """Counts a JUnit report as pytest writes it; nothing when pytest never got to write one."""
    if not report.exists():
        return Count()
    total = Count()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        total += Count(int(suite.get("tests", 0)) - failed - skipped, failed, skipped)
    return total
