"""Records on standard output, in the formats that commands offer: a table for eyes, the others for programs."""

import csv
import io
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson

from backend.table import Column, draw_table
from backend.text import escape_json, safe

FORMATS = ("table", "json", "jsonl", "csv")


def render(
    records: Iterable[Any],
    format: str,
    columns: Sequence[Column],
    fields: Sequence[str],
    as_dict: Callable[[Any], Mapping[str, Any]],
) -> Iterator[str]:
    """The records as text, piece by piece: a line each for `table`, `jsonl` and `csv`, one array for `json`.

    Args:
        records: what is rendered.
        format: one of FORMATS.
        columns: what `table` shows, no wider than the terminal it is shown on.
        fields: the keys of a record for programs, in the order of `csv`'s columns.
        as_dict: makes a record for programs.
    """
    if format == "table":
        yield from draw_table(records, columns, _terminal_width())
    elif format == "jsonl":
        for record in records:
            yield _json(as_dict(record)) + "\n"
    elif format == "json":
        separator = "["
        for record in records:
            yield separator + _json(as_dict(record))
            separator = ",\n"
        yield "[]\n" if separator == "[" else "]\n"
    else:
        yield from _csv(map(as_dict, records), fields)


def _terminal_width() -> int | None:
    """The cells of a line where standard output is a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _json(record: Mapping[str, Any]) -> str:
    return escape_json(orjson.dumps(record).decode())


def _csv(records: Iterator[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in chain([fields], ([record[field] for field in fields] for record in records)):
        writer.writerow(safe(value) if isinstance(value, str) else value for value in row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
