"""A directory in which nothing may be written, also for the superuser whom no mode keeps out."""

import os
from pathlib import Path
from typing import Any

import pytest


def refuse_writing(monkeypatch: pytest.MonkeyPatch, directory: Path, number: int) -> None:
    """Have whoever opens a file in it to write fail with this error (`errno`), as the system would."""
    real_open = os.open

    def refusing(path: Any, flags: int, *arguments: Any, **more: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and Path(os.fsdecode(path)).is_relative_to(directory):
            raise OSError(number, os.strerror(number), os.fsdecode(path))
        return real_open(path, flags, *arguments, **more)

    monkeypatch.setattr(os, "open", refusing)
