"""What the package exports, what importing it costs, and what must never creep in."""

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tidegate
from tidegate import _native, errors

EXPORTS = [
    "ConfigError",
    "CountedKey",
    "Decision",
    "Gate",
    "Limiter",
    "RateLimitExceeded",
    "Rule",
    "StoreError",
    "TidegateError",
    "__version__",
    "load_gate",
    "protect_app",
    "rate_limit",
]
PACKAGE = Path(tidegate.__file__).parent
# Neither frameworks nor what is slow to load.
UNWANTED = {
    "aiohttp",
    "asyncio",
    "dataclasses",
    "django",
    "fastapi",
    "flask",
    "httpx",
    "importlib.metadata",
    "inspect",
    "logging",
    "pydantic",
    "pytest",
    "starlette",
    "werkzeug",
}


def fresh(code: str) -> str:
    """What a fresh interpreter prints, without site-packages' own start-up imports."""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return run.stdout


def test_the_public_names_are_these() -> None:
    assert sorted(tidegate.__all__) == EXPORTS
    assert set(EXPORTS) <= set(dir(tidegate))
    assert all(getattr(tidegate, name) is not None for name in EXPORTS)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'limiter'"):
        tidegate.limiter  # noqa: B018


def test_importing_tidegate_imports_no_framework_and_starts_no_thread() -> None:
    code = (
        "import sys, threading; before = set(sys.modules); import tidegate\n"
        "import json; print(json.dumps(sorted(set(sys.modules) - before)))\n"
        "assert threading.active_count() == 1"
    )

    loaded = set(json.loads(fresh(code)))

    assert loaded & UNWANTED == set()


def test_the_time_of_an_import_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import time; start = time.perf_counter(); import tidegate\n"
        "print(time.perf_counter() - start)"
    )

    best = min(float(fresh(code)) for _ in range(3))

    with capsys.disabled():
        sys.stdout.write(f"\nimport tidegate: {best * 1000:.1f} ms\n")
    assert best > 0


@pytest.mark.parametrize("module", ["asgi", "wsgi", "testing"])
def test_no_protocol_module_imports_a_framework(module: str) -> None:
    frameworks = UNWANTED & {"django", "fastapi", "flask", "starlette", "werkzeug", "pytest"}
    code = f"import sys, tidegate.{module}; print(*sorted({frameworks} & set(sys.modules)))"

    assert fresh(code).split() == []


def test_decorating_and_protecting_import_no_framework() -> None:
    code = """
import sys
from tidegate import protect_app, rate_limit
@rate_limit("1/minute")
def work(): ...
async def app(scope, receive, send): work()
protect_app(app)
work()
print(*sorted({"django", "flask", "starlette"} & set(sys.modules)))
"""
    assert fresh(code).split() == []


@pytest.mark.parametrize("name", errors.__all__)
def test_every_exception_of_the_surface_is_the_one_of_errors(name: str) -> None:
    if name != "ConfigTypeError":
        assert getattr(tidegate, name) is getattr(errors, name)


def test_the_types_are_marked_as_there() -> None:
    assert (PACKAGE / "py.typed").read_bytes() == b""
    assert (PACKAGE / "_native.pyi").exists()


def test_the_stub_names_what_the_compiled_module_has() -> None:
    stub = (PACKAGE / "_native.pyi").read_text()
    # `Reason` is a type only; the rest is looked up.
    for name in ("Clock", "CountedKey", "Decision", "Gate", "Limiter", "Refusal", "Rule"):
        assert f"class {name}" in stub
        assert isinstance(getattr(_native, name), type)
    for name in ("set_default_clock", "set_enabled", "canonical_limit", "run_command"):
        assert f"def {name}" in stub
        assert callable(getattr(_native, name))


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert tidegate.__version__ == version("tidegate")


def test_every_module_that_needs_no_framework_can_be_imported_alone() -> None:
    frameworks = {"aiohttp", "django", "drf", "fastapi", "flask", "starlette", "_pytest_plugin"}
    names = [module.name for module in pkgutil.iter_modules([str(PACKAGE)])]

    for name in set(names) - frameworks:
        importlib.import_module(f"tidegate.{name}")
        fresh(f"import tidegate.{name}")
