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

_WRITING = ("backend.archive.writer", "backend.archive.takeover")


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in map(importlib.import_module, _WRITING):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
