"""The scripts behind `./dev test` count, and find interpreters, as they say."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import counting
import interpreters
from tests.repo import tree

SCRIPTS = tree.ROOT / "scripts"


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


def test_servers_that_are_there_are_not_installed(tmp_path: Path) -> None:
    binary = tmp_path / "lib" / "initdb"
    _stubs(tmp_path, "redis-server", "pgbouncer", "openssl", "pg_config", bindir=binary.parent)
    _stub(binary)
    library = tmp_path / "lib" / "faketime" / "libfaketime.so.1"
    library.parent.mkdir()
    library.touch()

    answer = _run("servers.sh", path=tmp_path, LIBRARIES=str(tmp_path))

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_a_server_that_is_missing_is_named(tmp_path: Path) -> None:
    _stubs(tmp_path, "openssl")
    _stub(tmp_path / "dirname", f"echo {SCRIPTS}")
    _stub(tmp_path / "redis-server", "exit 127")
    _stub(tmp_path / "pgbouncer", "exit 127")
    _stub(tmp_path / "id", "echo 1000")

    answer = _run("servers.sh", path=tmp_path, LIBRARIES=str(tmp_path))

    assert answer.returncode == 1
    assert "packages: redis-server" in answer.stderr
    assert answer.stderr.rstrip().endswith("pgbouncer libfaketime")


@pytest.mark.parametrize("code", [0, 100])
def test_no_service_is_started_while_packages_are_installed(tmp_path: Path, code: int) -> None:
    policy = tmp_path / "policy-rc.d"
    _stub(tmp_path / "id", "echo 0")
    for program in ("rm", "chmod"):
        (tmp_path / program).symlink_to(shutil.which(program) or program)
    asks = f'[ "$1" != install ] || {{ {policy}; echo "says $?"; exit {code}; }}'
    _stub(tmp_path / "apt-get", asks)

    answer = _run("install.sh", "pgbouncer", path=tmp_path, POLICY_RC_D=str(policy))

    assert answer.returncode == code
    assert "says 101" in answer.stdout
    assert not policy.exists()


def test_a_policy_of_the_machine_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    _stub(policy, "exit 104")
    _stub(tmp_path / "id", "echo 0")
    _stub(tmp_path / "apt-get")

    answer = _run("install.sh", "pgbouncer", path=tmp_path, POLICY_RC_D=str(policy))

    assert answer.returncode == 0
    assert policy.read_text().endswith("exit 104\n")


def _run(
    script: str, *arguments: str, path: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", SCRIPTS / script, *arguments],
        env={"PATH": str(path), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def _stub(path: Path, does: str = ":") -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)


def _stubs(folder: Path, *names: str, bindir: Path | None = None) -> None:
    for name in names:
        _stub(folder / name, f"echo {bindir}" if name == "pg_config" else ":")
