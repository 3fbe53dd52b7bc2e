"""What the type checkers read of FastAPI also runs."""

from tests.typing.surface_fastapi import fastapi


async def test_it_runs() -> None:
    await fastapi()
