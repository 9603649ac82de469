"""Answers as faults spoil them: what is in them, and how much of them arrives."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson

from backend.simulator.fault import Fault
from backend.simulator.messages import Answer, Delivery

_DEPTH = 100_000
_BLOCK = 65_536
_MEGABYTE = 1_000_000
_WORDS = "the storage answered again and again that it is not ready; "

_DELIVERIES = {"hang": Delivery.NEVER, "stall": Delivery.HALF_THEN_SILENCE, "reset": Delivery.HALF_THEN_RESET}


def spoil(answer: Answer, fault: Fault) -> Answer:
    """The answer as it is with a fault that befalls it. An error keeps its content, however it arrives."""
    if fault.kind in _DELIVERIES:
        return replace(answer, delivery=_DELIVERIES[fault.kind])
    if answer.status != 200:
        return answer
    match fault.kind:
        case "empty":
            return replace(answer, body=b"")
        case "truncated":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case "nested":
            return replace(answer, body=b'{"data":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}")
        case "huge":
            return replace(answer, body=b"", parts=_endless_list(answer.body, int(fault.amount[0] * _MEGABYTE)))
        case "long-status":
            return _with_data(answer, lambda data: _with_status(data, int(fault.amount[0] * _MEGABYTE)))
        case "object":
            return _with_data(answer, lambda data: [data] if isinstance(data, dict) else {"rows": data})
        case "strings":
            return _with_data(answer, _as_strings)
        case "nulls":
            return _with_data(answer, _with_nulls)
        case _:
            raise ValueError(f"{fault} spoils no answer")


def _with_data(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    content = orjson.loads(answer.body)
    return replace(answer, body=orjson.dumps({**content, "data": change(content["data"])}))


def _as_strings(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _as_strings(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_strings(value) for value in data]
    return str(data) if isinstance(data, int | float) and not isinstance(data, bool) else data


def _with_nulls(data: Any) -> Any:
    if not isinstance(data, list):
        return None
    return [None if index % 2 else row for index, row in enumerate(data)]


def _with_status(data: Any, size: int) -> Any:
    """The first final status made that many bytes long."""
    rows = data if isinstance(data, list) else [data]
    for row in rows:
        if isinstance(row, dict):
            # where a task runs, PVE's lists say RUNNING in place of a status
            for key in ("status", "exitstatus") if "endtime" in row else ("exitstatus",):
                if key in row:
                    row[key] = (_WORDS * (size // len(_WORDS) + 1))[:size]
                    return data
    return data


def _endless_list(body: bytes, size: int) -> Iterator[bytes]:
    """A list of at least `size` bytes, the answer's first row over and over, without ever holding it."""
    data = orjson.loads(body)["data"]
    row = orjson.dumps(data[0] if isinstance(data, list) and data else data) + b","
    block = row * (_BLOCK // len(row) + 1)
    yield b'{"data":['
    for _ in range(size // len(block) + 1):
        yield block
    yield row[:-1] + b"]}"
