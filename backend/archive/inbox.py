"""Requests to the worker, dropped into the cache directory's `inbox/` by whoever has one, a file each."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import orjson

from backend.archive.files import CacheError, make_directory, write_atomically
from backend.upid import is_remote_name, parse_remote_upid


@dataclass(frozen=True, slots=True)
class Request:
    """One of three: fetch from the remotes `refresh` now, from all if none is named; with `hand_over`, leave the
    work to another process; follow the tasks `track` (remote UPIDs) to their ends."""

    refresh: tuple[str, ...] = ()
    hand_over: bool = False
    track: tuple[str, ...] = ()


def put(directory: Path, request: Request) -> None:
    """Leave a request. Raises CacheError."""
    folder = directory / "inbox"
    make_directory(directory)
    make_directory(folder)
    try:
        write_atomically(folder / f"{os.urandom(8).hex()}.json", orjson.dumps(request), durable=False)
    except OSError as error:
        raise CacheError(f"{folder}: cannot leave a request: {error.strerror}") from error


def take(directory: Path) -> list[Request]:
    """Take out all requests. What is none is removed unread."""
    requests = []
    for path in sorted((directory / "inbox").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            raw = orjson.loads(path.read_bytes())
            names, upids = raw["refresh"], raw.get("track", [])
            if isinstance(names, list) and isinstance(upids, list) and all(map(is_remote_name, names)):
                tracked = tuple(parse_remote_upid(upid).text for upid in upids)
                requests.append(Request(tuple(names), raw.get("hand_over") is True, tracked))
        with contextlib.suppress(OSError):
            path.unlink()
    return requests
