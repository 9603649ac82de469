"""Live reload: the configuration anew whenever its files have changed. What is in them is `toml`'s and `pdm`'s
matter, and what becomes of a change the caller's."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

from backend.config.model import Config, ConfigError
from backend.config.toml import load_config

SETTLED = 0.3
"""Seconds without a further change after which files are read: an editor may empty a file before it fills it, and
an empty file is a good configuration, of no remotes."""
LOOK_AGAIN = 2.0
"""Seconds between two looks at the files where the system tells of no change: it cannot on every file system, nor
in a directory that is not there yet, nor at the far end of a symbolic link."""

Stamp = tuple[int, ...]
"""What tells one state of a file from another; of one that is not to be had, the reason."""


async def config_changes(config: Config) -> AsyncGenerator[Config | ConfigError, None]:
    """What becomes of a configuration as its files change: the file itself and all that it names.

    The last good configuration, at first `config`, stays in use until another is yielded. Changes made after
    `config` was read count, even those before the first `anext`.

    Args:
        config: the configuration in use, as `load_config` gave it.

    Yields:
        A `Config` whose settings, remotes or keys differ from the last good one's. Compare `remotes` name by
        name: a remote whose `RemoteConfig` is equal has not changed; a renewed secret or ca-file makes it unequal.
        After an error the mended configuration is always yielded, equal or not: the error is over.
        A `ConfigError` whose words differ from the last: the files cannot be used as they are now.

    It ends at once if `config` was read from no file, and never otherwise: cancel the task that iterates, or close
    the iterator.
    """
    if config.path is None:
        return
    files = config.files
    stamps: dict[Path, Stamp] = {}
    error = ""
    while True:
        directories = await asyncio.to_thread(_directories, files)
        async with aclosing(_touches(directories)) as touches:
            async for _ in touches:
                now = await asyncio.to_thread(_stamps, files)
                if now != stamps:
                    await _settle(files, now)
                    outcome, stamps = await asyncio.to_thread(_read, config.path, files)
                    files = frozenset(stamps)
                    if isinstance(outcome, ConfigError):
                        if str(outcome) != error:
                            error = str(outcome)
                            yield outcome
                    elif error or _content(outcome) != _content(config):
                        config, error = outcome, ""
                        yield outcome
                if await asyncio.to_thread(_directories, files) != directories:
                    break


def _content(config: Config) -> tuple[object, ...]:
    return config.settings, config.remotes, config.keys


async def _touches(directories: Iterable[Path]) -> AsyncGenerator[None, None]:
    """Yields once at once, and then whenever something in the directories may have changed. It ends where they can
    be watched no longer."""
    yield
    try:
        changes = awatch(
            *directories,
            watch_filter=None,
            recursive=False,
            rust_timeout=int(LOOK_AGAIN * 1000),
            yield_on_timeout=True,
        )
        async with aclosing(changes):
            async for _ in changes:
                yield
    except (OSError, RuntimeError):
        # A directory has just gone or may not be read, or the system has no watches left.
        await asyncio.sleep(LOOK_AGAIN)


async def _settle(files: frozenset[Path], stamps: dict[Path, Stamp]) -> None:
    """Wait until the files have stopped changing."""
    while True:
        await asyncio.sleep(SETTLED)
        now = await asyncio.to_thread(_stamps, files)
        if now == stamps:
            return
        stamps = now


def _read(path: Path, files: frozenset[Path]) -> tuple[Config | ConfigError, dict[Path, Stamp]]:
    """The configuration or why there is none, and the files that this depends on, as they were just before."""
    while True:
        stamps = _stamps(files)
        outcome: Config | ConfigError
        try:
            outcome = load_config(path)
        except ConfigError as error:
            outcome = error
        if outcome.files <= files:
            return outcome, {file: stamps[file] for file in outcome.files}
        files |= outcome.files


def _stamps(files: Iterable[Path]) -> dict[Path, Stamp]:
    return {file: _stamp(file) for file in files}


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    # The time of its last change covers owner and permissions, too.
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _directories(files: Iterable[Path]) -> dict[Path, Stamp]:
    """The directories that hold the files, as far as they are there, each with what tells it from another of its
    name."""
    directories = {file.parent for file in files}
    return {directory: _stamp(directory)[:2] for directory in directories if directory.is_dir()}
