"""The numbers that the project set itself, and whether a run meets them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Figures = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Target:
    """A figure, or the ratio of two figures of the same rounds, and its bound.

    Of several figures to divide, the smallest counts: the best of the peers.
    """

    text: str
    of: tuple[str, ...]
    over: str | None
    sense: str
    """`>=` or `<=`"""
    bound: float
    unit: str = "times"

    def value(self, figures: Figures) -> float | None:
        """Returns the measured value; `None` when a part of it was not measured."""
        measured = [figures[name] for name in self.of if name in figures]
        if not measured:
            return None
        best = min(measured, key=median)
        if self.over is None:
            return median(best)
        if self.over not in figures:
            return None
        return ratio(best, figures[self.over])

    def is_met(self, value: float) -> bool:
        """Tells whether `value` is on the right side of the bound."""
        return value >= self.bound if self.sense == ">=" else value <= self.bound


def ratio(upper: Sequence[float], lower: Sequence[float]) -> float:
    """Returns the median of the rounds' ratios, or that of the medians of unequal rounds."""
    if len(upper) == len(lower) and all(figure > 0 for figure in lower):
        return median(above / below for above, below in zip(upper, lower, strict=True))
    below = median(lower)
    return median(upper) / below if below > 0 else math.inf


def _over(text: str, of: str, over: str, sense: str, bound: float) -> Target:
    return Target(text, (of,), over, sense, bound)


def _against_governor() -> list[Target]:
    targets = []
    for keys, words, bound in (
        (1, "one hot key", 2.0),
        (100_000, "100 000 keys", 2.5),
        (10_000_000, "10 million keys", 4.0),
    ):
        for threads in (1, 2):
            place = f"rust.keys_{keys}.threads_{threads}"
            text = f"Rust, {words}, {threads} thread{'s' * (threads > 1)}: rate over governor's"
            targets.append(_over(text, f"{place}.governor", f"{place}.limiter_allow", ">=", bound))
    return targets


_TEN_MILLION = "rust.keys_10000000.threads_1"
TARGETS = [
    *_against_governor(),
    _over(
        "Rust, 10 million keys: rate of batches over single checks of the store",
        f"{_TEN_MILLION}.store_check",
        f"{_TEN_MILLION}.store_batch_64",
        ">=",
        3,
    ),
    Target(
        "Rust: longest stall of 64 checks, a million new keys, room for 2 million",
        ("rust.stall.room_2000000.limiter_allow",),
        None,
        "<=",
        2e6,
        "ns",
    ),
    Target(
        "Rust: the same with room for 16 million",
        ("rust.stall.room_16000000.limiter_allow",),
        None,
        "<=",
        2e6,
        "ns",
    ),
    Target(
        "memory: bytes per living key at 70 % load",
        ("rust.memory.bytes_per_key.limiter_allow",),
        None,
        "<=",
        24,
        "bytes",
    ),
    Target(
        "memory: share of the capacity in use after ten times as many random keys",
        ("rust.memory.flood_share.limiter_allow",),
        None,
        "<=",
        1.0,
    ),
    _over(
        "Python, hot key: allow over a bare call", "python.hot.allow", "python.hot.bare", "<=", 2
    ),
    _over("Python, hot key: check over allow", "python.hot.check", "python.hot.allow", "<=", 2),
    *(
        _over(
            f"Python, {words}: {peer} over allow",
            f"python.{scenario}.{peer}",
            f"python.{scenario}.allow",
            ">=",
            bound,
        )
        for scenario, words, bounds in (
            ("hot", "hot key", (4, 60)),
            ("refused", "hot key, refused", (4, 60)),
            ("keys_100000", "100 000 keys", (2, 30)),
        )
        for peer, bound in zip(("floodgate-rs", "limits"), bounds, strict=True)
    ),
    _over(
        "Python, 10 million keys: allow_many of 64 over allow, per key",
        "python.keys_10000000.allow_many",
        "python.keys_10000000.allow",
        "<=",
        0.35,
    ),
    _over("Python: await acheck over check", "python.hot.acheck", "python.hot.check", "<=", 1.5),
    *(
        _over(
            f"Python, {words}: shared:// over memory://",
            f"python.shared.{name}.shared",
            f"python.shared.{name}.memory",
            "<=",
            1.2,
        )
        for name, words in (("hot", "hot key"), ("keys_100000", "100 000 keys"))
    ),
    Target("ASGI: added to an admitted request", ("web.asgi.tidegate",), None, "<=", 2500, "ns"),
    *(
        target
        for words, name in (("the middleware", "tidegate-middleware"), ("protect_app", "tidegate"))
        for target in (
            Target(
                f"FastAPI: added by {words} to an admitted request",
                (f"web.fastapi.{name}",),
                None,
                "<=",
                2500,
                "ns",
            ),
            _over(
                f"FastAPI: a refusal by {words} over a bare request",
                f"web.fastapi.refused.{name}",
                "web.fastapi.bare",
                "<=",
                0.1,
            ),
        )
    ),
    Target(
        "FastAPI: slowapi (its cheapest way) over protect_app, added",
        (
            "web.fastapi.slowapi-decorator",
            "web.fastapi.slowapi-middleware",
            "web.fastapi.slowapi-asgi-middleware",
        ),
        "web.fastapi.tidegate",
        ">=",
        30,
    ),
    _over(
        "FastAPI: slowapi's middleware over protect_app, added",
        "web.fastapi.slowapi-middleware",
        "web.fastapi.tidegate",
        ">=",
        30,
    ),
    Target("WSGI: added to an admitted request", ("web.wsgi.tidegate",), None, "<=", 2000, "ns"),
    Target(
        "Flask extension: added to a request",
        ("web.flask.tidegate-extension",),
        None,
        "<=",
        12_000,
        "ns",
    ),
    _over(
        "Flask: Flask-Limiter over tidegate, added",
        "web.flask.flask-limiter",
        "web.flask.tidegate",
        ">=",
        10,
    ),
    _over(
        "Django: django-ratelimit over protect_app, added",
        "web.django.django-ratelimit",
        "web.django.tidegate",
        ">=",
        10,
    ),
    _over(
        "Django: django-ratelimit over the middleware, added",
        "web.django.django-ratelimit",
        "web.django.tidegate-middleware",
        ">=",
        10,
    ),
]
