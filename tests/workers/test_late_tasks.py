"""What a poll does about tasks from before the cutoffs: clocks that were behind, tasks that were listed late."""

import pytest

from backend.archive import Batch
from backend.client import Current
from tests.workers.fakes import ended, started
from tests.workers.fleet_at_work import NOW
from tests.workers.live import Live


def refuse(*_: object) -> None:
    """What a full disk does."""
    raise OSError(28, "No space left on device")


async def test_a_task_from_before_the_cutoff_that_nobody_knew_has_its_node_fetched_again(live: Live) -> None:
    cutoff = int(NOW) - 60
    known, running, unknown = ended(1, NOW - 3_700), started(2, NOW - 3_800), ended(3, NOW - 3_650)
    live.at.writer.store(Batch([known, running], {("wien", node): cutoff for node in ("pve1", "pve2")}))
    live.remote.now = Current([running], [known])
    await live.poller.poll()
    assert live.at.writer.lowered == frozenset()
    live.remote.now = Current([], [known, running, unknown])
    await live.poller.poll()
    assert live.at.writer.lowered == {("wien", "pve1")}
    assert live.at.cutoff is None and live.at.writer.cutoff("wien", "pve2") == cutoff


async def test_a_task_that_was_listed_late_has_no_more_fetched_again_than_since_it_started(live: Live) -> None:
    live.at.writer.store(Batch([], {("wien", "pve1"): int(NOW) - 10}))
    live.remote.now = Current([started(1, NOW - 12)], [ended(2, NOW - 5)])
    await live.poller.poll()
    assert live.at.writer.lowered == {("wien", "pve1")} and live.at.cutoff == NOW - 12


async def test_what_started_before_the_kept_days_has_nothing_fetched_again(live: Live) -> None:
    live.at.writer.store(Batch([], {("wien", "pve1"): int(NOW) - 10}))
    live.remote.now = Current([started(1, live.at.writer.oldest - 5)], [ended(2, live.at.writer.oldest - 1)])
    await live.poller.poll()
    assert live.at.writer.lowered == frozenset() and live.at.cutoff == NOW - 10


async def test_a_clock_that_was_set_back_has_fetched_again_what_it_dated_since_and_no_more(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutoffs = {("wien", "pve1"): int(NOW) - 90, ("wien", "pve2"): int(NOW) - 9, ("graz", "pve1"): int(NOW) - 8}
    live.at.writer.store(Batch([], cutoffs))
    await live.poller.poll()
    live.remote.set_back_to = NOW - 29.5
    with monkeypatch.context() as full:
        full.setattr("backend.archive.state.write_state", refuse)
        with pytest.raises(OSError, match="No space left"):
            await live.poller.poll()
    assert live.at.writer.cutoffs == cutoffs
    await live.poller.poll()
    await live.poller.poll()
    assert live.at.writer.lowered == {("wien", "pve2")}
    assert live.at.writer.cutoffs == cutoffs | {("wien", "pve2"): int(NOW) - 30}


async def test_a_clock_that_stays_behind_has_everything_fetched_again_once(live: Live) -> None:
    cutoff = int(NOW) - 60
    for late in (3_000, 2_900, 2_800):
        live.at.writer.store(Batch([], {("wien", "pve1"): cutoff}))
        live.remote.now = Current([], [ended(late, NOW - late)])
        await live.poller.poll()
        # a fetch begins: from the oldest day at first, then from the last task that was late
        assert live.at.cutoff == {3_000: None, 2_900: NOW - 3_000, 2_800: NOW - 2_900}[late]
