"""Lines for people, folded between words where a terminal is too narrow for them."""

import os
import re
import textwrap
from typing import TextIO

import click

_LABEL = re.compile(r" *(?:(?:\S )?\S+ {2,})?")
"""What a line begins with: spaces, and perhaps a sign and a label."""
_HALF_A_FINGERPRINT = re.compile(r"\b((?:[0-9A-F]{2}:){16})")


def terminal_width(stream: TextIO) -> int | None:
    """How wide (cells) the terminal is that a stream goes to; None where it goes to none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None


def fold(line: str, width: int | None) -> str:
    """A line in as many of so many cells as it needs; the further ones begin where its words do, behind a label,
    which may be styled, and has a line of its own where it takes more than half of one. No word is broken; of a
    fingerprint each half is one."""
    plain = click.unstyle(line)
    if width is None or len(plain) < width:
        return line
    label = _LABEL.match(plain)
    words = plain[label.end() if label else 0 :]
    hanging = " " * (len(plain) - len(words))
    start = line.removesuffix(words)
    if 2 * len(hanging) > width:
        start, hanging = f"{start.rstrip()}\n", ""
    folded = textwrap.wrap(
        _HALF_A_FINGERPRINT.sub(r"\1 ", words),
        max(1, width - 1 - len(hanging)),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return start + f"\n{hanging}".join(folded)
