"""The clock of one simulated node, which may be off, and jump while it runs. Everything inside the simulator goes
by the fleet's clock; this turns its moments into what the node tells."""

from bisect import bisect_left
from collections.abc import Iterator


class NodeClock:
    """By how much a node's clock is ahead of the fleet's, at any moment of the past. All are whole UNIX seconds.

    What was told once stays as it was told: a jump holds for what begins or ends after it, from the next second
    on.
    """

    def __init__(self) -> None:
        # _offsets[i] holds after _jumps[i - 1], up to _jumps[i] inclusive
        self._jumps: list[int] = []
        self._offsets = [0]

    @property
    def ahead(self) -> int:
        """By how many seconds it is ahead since its last jump; negative for one that is behind."""
        return self._offsets[-1]

    def jump(self, moment: int, ahead: int) -> None:
        """Be so many seconds ahead after `moment`. The moment -1 makes it so from ever on."""
        if ahead == self.ahead:
            return
        if moment < 0:
            self._jumps, self._offsets = [], [ahead]
        elif self._jumps and self._jumps[-1] >= moment:
            self._offsets[-1] = ahead
        else:
            self._jumps.append(moment)
            self._offsets.append(ahead)

    def told(self, moment: int) -> int:
        """What it shows at a moment of the fleet's clock."""
        return moment + self._offsets[bisect_left(self._jumps, moment) if self._jumps else 0]

    def moments(self, since: int | None, until: int | None) -> Iterator[tuple[int | None, int | None]]:
        """The spans of the fleet's time, first and last moment, at which it showed `since` to `until`, each None
        for no bound."""
        for index, ahead in enumerate(self._offsets):
            first = None if since is None else since - ahead
            last = None if until is None else until - ahead
            if index > 0:
                after = self._jumps[index - 1] + 1
                first = after if first is None else max(first, after)
            if index < len(self._jumps):
                before = self._jumps[index]
                last = before if last is None else min(last, before)
            if first is None or last is None or first <= last:
                yield first, last
