"""The cache directory: the only part that knows its files. Readers take snapshots of a TaskCache; the one worker
hands batches to a CacheWriter."""

from backend.archive.cache import TaskCache
from backend.archive.files import CacheError
from backend.archive.role import CacheBusy, CacheLost
from backend.archive.scan import ScanCancelled
from backend.archive.snapshot import Snapshot
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
