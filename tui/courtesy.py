"""Fetching steps aside for whoever uses the dashboard: the interpreter runs one thread at a time, and those of the
workers always have something to read while a fleet is fetched for the first time."""

import asyncio
import time
from collections.abc import Callable

ASIDE = 0.15
"""For how long (seconds) fetching begins nothing new after a key."""
LONGEST = 5.0
"""Seconds of keys without a pause after which it may go on all the same, for a moment."""
MOMENT = 0.5
"""How long (seconds) such a moment is."""


class Courtesy:
    """Told of each key, it holds up whoever asks it whether to go on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._since = self._until = float("-inf")

    def note_key(self) -> None:
        """The user has pressed a key."""
        now = self._clock()
        if now >= self._until:
            self._since = now
        self._until = now + ASIDE

    async def wait(self) -> None:
        """Return once there is no key to be answered; at once, mostly."""
        while True:
            now = self._clock()
            if now >= self._until or (now - self._since) % (LONGEST + MOMENT) >= LONGEST:
                return
            await asyncio.sleep(self._until - now)
