"""When the nodes of one remote are to be fetched next, each by itself: at once when asked for, after a growing
pause when it failed, sooner than the next round when it could forget. Times are seconds of a monotonic clock."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from math import inf

from backend.workers.supervisor import BackOff


@dataclass(slots=True)
class _Turn:
    """One node. `due` is None until something calls for a fetch; `asked`: not by its own pace."""

    back_off: BackOff
    due: float | None = None
    asked: bool = False
    busy: bool = False


class NodeSchedule:
    """Whose turn it is among a remote's nodes. A node that was taken is busy until told `fetched` or `failed`;
    what is asked for meanwhile comes after that."""

    def __init__(self, back_off: Callable[[], BackOff]) -> None:
        """`back_off` makes the pauses of one node that fails."""
        self._back_off = back_off
        self._turns: dict[str, _Turn] = {}

    def ask(self, nodes: Iterable[str], now: float) -> None:
        """Have these nodes fetched as soon as possible."""
        for node in nodes:
            turn = self._turns.setdefault(node, _Turn(self._back_off()))
            turn.due, turn.asked = now, True

    def keep(self, nodes: Collection[str]) -> None:
        """Forget all other nodes."""
        self._turns = {node: turn for node, turn in self._turns.items() if node in nodes}

    def take(self, now: float) -> list[str]:
        """The nodes that are due, in their order; they are busy from now on."""
        taken = []
        for node, turn in self._turns.items():
            if turn.due is not None and turn.due <= now and not turn.busy:
                turn.due, turn.asked, turn.busy = None, False, True
                taken.append(node)
        return taken

    def fetched(self, node: str, now: float, pause: float | None) -> None:
        """A node was fetched; it is due again after `pause` seconds, None for not before the next round."""
        turn = self._turns.get(node)
        if turn is not None:
            turn.back_off.reset()
            self._put_off(turn, None if pause is None else now + pause)

    def failed(self, node: str, now: float) -> None:
        """A node could not be fetched."""
        turn = self._turns.get(node)
        if turn is not None:
            self._put_off(turn, now + turn.back_off.next())

    def _put_off(self, turn: _Turn, due: float | None) -> None:
        turn.busy = False
        if not turn.asked:
            turn.due = due

    def restart(self, now: float) -> None:
        """Whoever was to fetch has failed: what was taken is due again."""
        for turn in self._turns.values():
            if turn.busy:
                turn.busy, turn.due = False, now

    def next_due(self) -> float:
        """When the next node is due that is not busy; infinite if none is."""
        waiting = (turn.due for turn in self._turns.values() if turn.due is not None and not turn.busy)
        return min(waiting, default=inf)
