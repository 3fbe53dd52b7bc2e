"""The figures as tables: the same Markdown for the terminal and for the page."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Sequence[str]

ENGINE = {
    "governor": "governor, keyed",
    "limiter_allow": "tidegate `Limiter::allow`",
    "limiter_check": "tidegate `Limiter::check`",
    "store_check": "tidegate `MemoryStore::check`",
    "store_batch_64": "tidegate `MemoryStore::check_each`, 64 at a time",
}


def all_tables(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns titles and tables of a result, the targets first."""
    figures = result["figures"]
    tables = [
        ("Targets", _targets(result["targets"])),
        ("Rust: nanoseconds per check", _engine(figures)),
        ("Rust: stalls and memory", _others(figures)),
        ("Python: nanoseconds per key", _python(figures)),
        ("Web: microseconds per request", _web(figures)),
    ]
    return [(title, text) for title, text in tables if text]


def markdown(head: Row, rows: Sequence[Row]) -> str:
    """Returns an aligned table; an empty text when there are no rows."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Row) -> str:
        first, *others = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join(
        "-" * (width + 1) + ("-" if n == 0 else ":") for n, width in enumerate(widths)
    )
    return "\n".join([line(head), rule + "|", *(line(row) for row in rows)])


def _targets(targets: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for target in targets:
        value, sense = target["value"], {">=": "at least", "<=": "at most"}[target["sense"]]
        verdict = "not measured"
        if value is not None:
            verdict = "met" if target["met"] else "**missed**"
        bound = _amount(target["bound"], target["unit"])
        rows.append([target["text"], _amount(value, target["unit"]), f"{sense} {bound}", verdict])
    return markdown(["what", "measured", "target", ""], rows)


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "ns":
        return f"{value / 1e6:.2f} ms" if value >= 1e6 else f"{value / 1e3:.2f} µs"
    return f"{value:.1f} {unit}" if unit == "bytes" else f"{value:.2f}"


def median(figures: Mapping[str, Any], name: str, scale: float = 1, digits: int = 0) -> str:
    """Returns a figure's median, divided by `scale`; a dash when it was not measured."""
    figure = figures.get(name)
    return f"{figure['median'] / scale:.{digits}f}" if figure else "-"


def _counts(figures: Mapping[str, Any], prefix: str) -> list[int]:
    names = [name.split(".")[1] for name in figures if name.startswith(f"{prefix}.keys_")]
    return sorted({int(name.removeprefix("keys_")) for name in names})


def keys_in_words(count: int) -> str:
    """Returns the number of keys as a title has it."""
    return "1 key" if count == 1 else f"{count:,} keys".replace(",", " ")


def _engine(figures: Mapping[str, Any]) -> str:
    columns = []
    for threads in (1, 2):
        for count in _counts(figures, "rust"):
            place = f"keys_{count}.threads_{threads}"
            if f"rust.{place}.governor" in figures:
                many = f", {threads} threads" if threads > 1 else ""
                columns.append((keys_in_words(count) + many, place))
    columns.append(("refused", "refused"))
    rows = [
        [label, *(median(figures, f"rust.{place}.{name}") for _, place in columns)]
        for name, label in ENGINE.items()
    ]
    return (
        markdown(["", *(title for title, _ in columns)], rows)
        if "rust.refused.governor" in figures
        else ""
    )


def _others(figures: Mapping[str, Any]) -> str:
    ours, peer = "limiter_allow", "governor"
    lines = [
        ("longest 64 checks, room for 2 million, ms", "rust.stall.room_2000000", 1e6),
        ("longest 64 checks, room for 16 million, ms", "rust.stall.room_16000000", 1e6),
        ("bytes per living key", "rust.memory.bytes_per_key", 1),
        ("10 million keys through a million slots, share of 16 MiB", "rust.memory.flood_share", 1),
    ]
    rows = [
        [title, *(median(figures, f"{name}.{who}", scale, 2) for who in (peer, ours))]
        for title, name, scale in lines
        if f"{name}.{ours}" in figures
    ]
    return markdown(["", "governor", "tidegate"], rows)


def _python(figures: Mapping[str, Any]) -> str:
    places = ["hot", "refused", *(f"keys_{count}" for count in _counts(figures, "python"))]
    titles = ["hot key", "refused", *(keys_in_words(count) for count in _counts(figures, "python"))]
    names = ["bare", "allow", "check", "acheck", "allow_many", "check_many"]
    names += ["floodgate-rs", "limits", "throttled-py", "pyrate-limiter"]
    rows = [
        [name, *(median(figures, f"python.{place}.{name}") for place in places)] for name in names
    ]
    for name in ("memory", "shared"):
        cells = [median(figures, f"python.shared.{place}.{name}") for place in places]
        rows.append([f"allow, {name}://", *cells])
    return markdown(["", *titles], [row for row in rows if set(row[1:]) != {"-"}])


def _web(figures: Mapping[str, Any]) -> str:
    rows = []
    for name in figures:
        area, _, rest = name.partition(".")
        family, _, variant = rest.partition(".")
        if area == "web":
            what = "the whole request"
            if variant != "bare" and not variant.startswith("refused."):
                what = "added"
            words = variant.replace("refused.", "refused by ")
            rows.append([family, words, what, median(figures, name, 1e3, 2)])
    return markdown(["application", "limiter", "figure", "µs"], rows)
