"""User and password of a store's URL are repeated nowhere, whatever goes wrong."""

import asyncio
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest

from tests.stores.servers import PASSWORD, free_port, running
from tidegate import ConfigError, Gate, Limiter, Rule, StoreError, protect_app, rate_limit

USER = "mallory-the-user"
SECRETS = (PASSWORD, USER)
SCHEMES = ["redis", "postgresql"]
WRONG = [
    "?timeout=soon",
    "?pool=0",
    "?nonsense=1",
    "/database/too/deep?prefix={",
    "/0?local_share=2",
    f"?password={PASSWORD}&failures=x",
    f"?user={USER}&password={PASSWORD}&nonsense={PASSWORD}",
]


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def told(error: BaseException) -> str:
    """Everything that can be read of an error but the source lines that raised it."""
    chain, texts = [error], []
    for one in chain:
        texts += [repr(one), str(one), repr(one.args), repr(vars(one))]
        chain += [other for other in (one.__cause__, one.__context__) if other is not None]
        texts += traceback.format_exception_only(one)
    return "\n".join(texts)


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_a_wrong_url_is_refused_without_repeating_a_secret(
    scheme: str, wrong: str, heard: pytest.LogCaptureFixture
) -> None:
    url = f"{scheme}://{USER}:{PASSWORD}@localhost{wrong}"
    makers: list[Callable[[], object]] = [
        lambda: Limiter("5/day", store=url),
        lambda: Gate([Rule("api", "5/day")], store=url),
        lambda: protect_app(_app, "5/day", store=url),
        lambda: rate_limit("5/day", store=url)(len),
    ]
    for make in makers:
        with pytest.raises(ConfigError) as caught:
            make()
        assert leaks(told(caught.value)) == [], told(caught.value)
    assert leaks(heard.text) == []


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://{USER}:{PASSWORD}@localhost/0",
        f"redis:/{USER}:{PASSWORD}@localhost",
        f"{USER}:{PASSWORD}@localhost",
        f"redis://{USER}:{PASSWORD}localhost",
        f"redis://{USER}:{PASSWORD}@local@host",
        f"redis://{USER}:a/{PASSWORD}@localhost",
        f"redis://{USER}:a?{PASSWORD}@localhost",
        f"redis://{USER}:a#{PASSWORD}@localhost",
        f"postgresql://{USER}:a/{PASSWORD}@localhost:x/db",
        f"postgresql://{USER}:a?{PASSWORD}@localhost/db",
        f"postgresql://{USER}:1?{PASSWORD}@localhost/db",
        f"postgresql://{USER}:1/{PASSWORD}?x@localhost/db",
        f"postgresql://{USER}:{PASSWORD}@localhost:99999/db",
        f"postgresql://localhost:{PASSWORD}/db",
        f"redis://localhost:{PASSWORD}/0",
        f"unix:///run/redis.sock?user={USER}&pass={PASSWORD}&db=x",
        f"redis+cluster://{USER}:{PASSWORD}@a:1,b:x",
        f"redis+sentinel://{USER}:{PASSWORD}@a:1?sentinel_password={PASSWORD}",
    ],
)
def test_a_url_that_is_hardly_one_is_refused_without_repeating_a_secret(
    url: str, heard: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigError) as caught:
        Limiter("5/day", store=url)
    assert leaks(told(caught.value)) == [], told(caught.value)
    assert leaks(heard.text) == []


def _use(limiter: Limiter) -> str:
    """Does what can be done with a store that does not answer, and gathers what is said."""
    texts = [repr(limiter), str(limiter), repr(limiter.store_stats())]
    decision = limiter.check("a")
    texts += [repr(decision), repr(decision.headers()), repr(pickle.dumps(decision))]
    texts.append(repr(asyncio.run(_acheck(limiter))))
    for change in (limiter.reset, limiter.refund, limiter.debit):
        try:
            change("a")
        except StoreError as error:
            texts.append(told(error))
    return "\n".join(texts)


async def _acheck(limiter: Limiter) -> object:
    return await limiter.acheck("a")


@pytest.mark.parametrize("how", ["wrong password", "frozen", "stopped"])
def test_a_server_that_does_not_answer_repeats_no_secret(
    kind: str, how: str, heard: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(kind, password="another-one") as server:
        url = server.tcp_url.replace("another-one", PASSWORD)
        url += ("&" if "?" in url else "?") + "timeout=200ms&failures=1"
        if kind == "postgres":
            url = url.replace("//postgres:", f"//{USER}:")
        if how == "frozen":
            server.freeze()
        elif how == "stopped":
            server.stop()
        with Limiter("5/day", store=url) as limiter:
            said = _use(limiter)
    assert leaks(said) == [], said
    assert [record.levelname for record in heard.records if record.name == "tidegate"]
    assert leaks(heard.text) == [], heard.text
    output = capfd.readouterr()
    assert leaks(output.out + output.err) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("host", ["nowhere.invalid", "127.0.0.1"])
def test_a_wrong_host_repeats_no_secret(
    scheme: str, host: str, heard: pytest.LogCaptureFixture
) -> None:
    url = f"{scheme}://{USER}:{PASSWORD}@{host}:{free_port()}/0?timeout=200ms&failures=1"
    with Limiter("5/day", store=url) as limiter:
        said = _use(limiter)
    assert leaks(said) == [], said
    assert leaks(heard.text) == [], heard.text


async def _app(scope: object, receive: object, send: object) -> None: ...
