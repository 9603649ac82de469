"""Requests to the worker, dropped into the cache directory's `inbox/` by whoever has one, a file each."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import orjson

from backend.archive.files import CacheError, make_directory, write_atomically
from backend.upid import is_remote_name


@dataclass(frozen=True, slots=True)
class Request:
    """Fetch from these remotes now, from all if none is named; or, with `hand_over`, leave the work to another."""

    refresh: tuple[str, ...] = ()
    hand_over: bool = False


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
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            raw = orjson.loads(path.read_bytes())
            names = raw["refresh"]
            if isinstance(names, list) and all(is_remote_name(name) for name in names):
                requests.append(Request(tuple(names), raw.get("hand_over") is True))
        with contextlib.suppress(OSError):
            path.unlink()
    return requests
