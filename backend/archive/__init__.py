"""The cache directory: the only part that knows its files. Readers take snapshots of a TaskCache; the one worker
hands batches to a CacheWriter. Who only reads imports nothing of what writes."""

import importlib
from typing import TYPE_CHECKING

from backend.archive.cache import TaskCache
from backend.archive.files import CacheError
from backend.archive.role import CacheBusy, CacheLost
from backend.archive.scan import ScanCancelled
from backend.archive.snapshot import Snapshot

if TYPE_CHECKING:
    from backend.archive.takeover import Takeover, take_over
    from backend.archive.writer import Batch, CacheWriter

__all__ = [
    "Batch",
    "CacheBusy",
    "CacheError",
    "CacheLost",
    "CacheWriter",
    "ScanCancelled",
    "Snapshot",
    "Takeover",
    "TaskCache",
    "take_over",
]

_WRITING = {
    "Batch": "backend.archive.writer",
    "CacheWriter": "backend.archive.writer",
    "Takeover": "backend.archive.takeover",
    "take_over": "backend.archive.takeover",
}


def __getattr__(name: str) -> object:
    module = _WRITING.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)
