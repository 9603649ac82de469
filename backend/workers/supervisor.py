"""Keeps the workers running: one that fails logs why, waits a growing while, and begins anew."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from backend.archive import CacheError, CacheLost

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between two starts of a worker that fails."""

Report = Callable[[str, str | None], None]
"""Takes a worker's name, and its problem in words; None once there is none any more."""


def jittered(seconds: float) -> float:
    """A pause of about so many seconds, never the same twice: what fails together shall not return together."""
    return seconds * random.uniform(0.75, 1.25)


class BackOff:
    """Pauses that double from `first` to `longest` seconds, until `reset`."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = self._next = first
        self._longest = longest

    def next(self) -> float:
        """The pause after one more failure, in seconds."""
        pause, self._next = self._next, min(self._next * 2, self._longest)
        return jittered(min(pause, self._longest))

    def reset(self) -> None:
        """Begin with the first pause again."""
        self._next = self._first


async def supervise(name: str, work: Callable[[], Awaitable[None]], report: Report) -> None:
    """Run a worker until it returns; begin it anew each time it fails. `report` is told the problem while the
    worker is down, and None once it has run for a while again. Cancellation passes through."""
    back_off = BackOff(FIRST_PAUSE, LONGEST_PAUSE)
    while True:
        started = time.monotonic()
        settled = asyncio.get_running_loop().call_later(LONGEST_PAUSE, report, name, None)
        try:
            await work()
            report(name, None)
            return
        except asyncio.CancelledError:
            report(name, None)
            raise
        except Exception as error:
            cause = _first_cause(error)
            expected = isinstance(cause, OSError | CacheError)
            words = _in_words(cause) if expected else f"{type(cause).__name__}: {cause}"
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # it failed at what it does last, and would be begun anew for ever
                log.error("%s failed at its end: %s", name, words, exc_info=None if expected else error)
                report(name, None)
                raise asyncio.CancelledError from error
            if time.monotonic() - started > LONGEST_PAUSE:
                back_off.reset()
            pause = back_off.next()
            problem = f"{name} failed: {words}; trying again"
            if not isinstance(cause, CacheLost):
                # a lost directory is told once, by who begins anew
                log.error("%s in %.0f s", problem, pause, exc_info=None if expected else error)
            report(name, problem)
        finally:
            settled.cancel()
        await asyncio.sleep(pause)


def _first_cause(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _in_words(error: Exception) -> str:
    """Without the number that Python puts before the system's words."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
