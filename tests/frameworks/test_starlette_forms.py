"""Starlette: the fields of a form are read for those who ask, and the body is given back."""

from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from tidegate.starlette._facts import Replay, note_form

URLENCODED = "application/x-www-form-urlencoded"
BOUNDED = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nana\r\n--x--\r\n'


def request_of(kind: str, *parts: bytes) -> tuple[Request, Replay]:
    """A POST whose body comes in parts."""
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ] + [{"type": "http.disconnect"}]
    waiting = iter(messages)

    async def receive() -> Any:
        return next(waiting)

    replay = Replay(receive)
    headers = [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, replay), replay


@pytest.mark.parametrize(
    ("kind", "parts", "fields"),
    [
        (URLENCODED, [b"user=ana&pass", b"word=x"], {"user": "ana", "password": "x"}),
        (f"{URLENCODED.upper()}; charset=utf-8", [b"user=ana"], {"user": "ana"}),
        (URLENCODED, [b"user=ana&user=bob&empty="], {"user": "ana", "empty": ""}),
        (URLENCODED, [b""], {}),
        ("application/json", [b'{"user": "ana"}'], {"user": "ana"}),
        (BOUNDED, [PART], {"user": "ana"}),
        (BOUNDED, [b"no parts at all"], {}),
        ("multipart/form-data", [PART], {}),
    ],
)
async def test_the_fields_are_read_and_the_body_is_given_back(
    kind: str, parts: list[bytes], fields: dict[str, str]
) -> None:
    request, replay = request_of(kind, *parts)

    await note_form(request)

    assert request.scope["tidegate.form"] == fields
    assert await Request(request.scope, replay.again()).body() == b"".join(parts)


async def test_a_form_that_was_parsed_is_not_read_again() -> None:
    request, _ = request_of(URLENCODED, b"user=ana&user=bob")
    async with request.form():
        await note_form(request)

    assert request.scope["tidegate.form"] == {"user": "ana"}


async def test_a_request_that_cannot_be_read_has_no_form() -> None:
    request = Request({"type": "http", "method": "POST", "headers": []})

    await note_form(request)

    assert "tidegate.form" not in request.scope


@pytest.mark.parametrize("kind", [URLENCODED, BOUNDED])
async def test_a_client_that_leaves_is_not_taken_for_an_empty_form(kind: str) -> None:
    request, _ = request_of(kind)

    with pytest.raises(ClientDisconnect):
        await note_form(request)
