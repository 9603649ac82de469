"""How the steps of a check are told on a terminal: a line each, under the address they are about."""

from collections.abc import Iterable, Iterator

import click

from backend.client.check import Result, Step
from backend.text import safe

_MARKS: dict[Result, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "red"),
}
_WIDTH = len("certificate")


def tell_steps(steps: Iterable[Step]) -> Iterator[str]:
    """The lines for the steps of one remote."""
    endpoint: str | None = None
    for step in steps:
        if step.endpoint != endpoint:
            endpoint = step.endpoint
            yield f"  {safe(endpoint or 'the whole remote')}"
        mark, colour = _MARKS[step.result]
        words = step.words if step.node is None else f"{step.node}: {step.words}"
        yield f"    {click.style(mark, fg=colour)} {step.check:<{_WIDTH}}  {safe(words)}"
