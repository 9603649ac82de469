"""What was measured of the screen, in words, on one screen, each against its budget."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench.measure import percentile

BUDGETS = {"page down": (0.010, 0.020), "a letter of a filter": (None, 0.050), "open a task": (None, 0.050)}
"""Seconds: the mean, and 95 of 100."""
START, MEMORY = 0.700, 120e6
"""Seconds from start to first rows, the median; and bytes."""

_HEAD = f"{'':22} {'times':>6} {'median':>9} {'mean':>9} {'p95':>9} {'worst':>9}  budget"


def report(figures: dict[str, Any]) -> Iterator[str]:
    """All on one screen. `figures` are those of `screen`: seconds and bytes."""
    yield f"{figures['tasks']:,} finished tasks, a screen of 200 by 50, {figures['cores']} cores."
    yield "From a key to the end of the frame that shows what it asks for, as a terminal gets it."
    for title, samples in (
        ("nothing else goes on", figures["idle"]),
        ("a first fill goes on", figures["filling"]),
    ):
        yield ""
        yield f"{title}{_HEAD[len(title) :]}"
        for name, seconds in samples.items():
            yield f"  {name:20} {_line(seconds)}{_judged(name, seconds)}"
    yield ""
    title = f"DataTable, {figures['table_rows']:,} rows"
    yield f"{title}{_HEAD[len(title) :].removesuffix('  budget')}"
    yield f"  {'page down':20} {_line(figures['table'])}"
    start = statistics.median(figures["start"])
    yield ""
    times = len(figures["start"])
    yield f"start to first rows   {start * 1e3:,.0f} ms, the median of {times}; budget {_met(start, START)}"
    memory = {name: sizes["VmRSS"] for name, sizes in figures["memory"].items()}
    mapped = figures["memory"]["ended"].get("RssFile", 0)
    yield (
        f"memory                {_size(memory['begun'])} at first, {_size(memory['ended'])} in the end, of which "
        f"{_size(mapped)} mapped files; {_size(memory['filled'])} after a first fill; "
        f"budget {_size(MEMORY)} {'met' if memory['ended'] <= MEMORY else 'MISSED'}"
    )


def _size(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


def _line(seconds: Sequence[float]) -> str:
    values = (statistics.median(seconds), statistics.mean(seconds), percentile(seconds, 95), max(seconds))
    return f"{len(seconds):6} " + " ".join(f"{value * 1e3:6.1f} ms" for value in values)


def _judged(name: str, seconds: Sequence[float]) -> str:
    mean, most = BUDGETS.get(name, (None, None))
    words = []
    if mean is not None:
        words.append(f"mean {_met(statistics.mean(seconds), mean)}")
    if most is not None:
        words.append(f"p95 {_met(percentile(seconds, 95), most)}")
    return "  " + ", ".join(words) if words else ""


def _met(seconds: float, budget: float) -> str:
    return f"{budget * 1e3:,.0f} ms {'met' if seconds <= budget else 'MISSED'}"
