"""Tables on standard output, in the formats that commands offer: for eyes, and for programs."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import orjson

from backend.text import escape_json, safe

FORMATS = ("table", "json", "jsonl", "csv")

_WIDTH_ROWS = 500
"""Rows that a table's widths are taken from: the rest streams through them."""


class Column(NamedTuple):
    """A column of a table for eyes: its title, and how a record's text for it is made."""

    title: str
    text: Callable[[Any], str]
    right: bool = False


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
        columns: what `table` shows.
        fields: the keys of a record for programs, in the order of `csv`'s columns.
        as_dict: makes a record for programs.
    """
    if format == "table":
        yield from _table(records, columns)
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


def _table(records: Iterable[Any], columns: Sequence[Column]) -> Iterator[str]:
    rows = ([safe(column.text(record)) for column in columns] for record in records)
    sample = list(islice(rows, _WIDTH_ROWS))
    titles = [column.title for column in columns]
    widths = [max(len(row[number]) for row in [titles, *sample]) for number in range(len(columns))]
    for row in chain([titles], sample, rows):
        cells = (
            text.rjust(width) if column.right else text.ljust(width)
            for text, width, column in zip(row, widths, columns, strict=True)
        )
        yield "  ".join(cells).rstrip() + "\n"
