"""Fetching: which cutoffs move and how far, what is fetched again and what is not, and what is told of it."""

import asyncio

import pytest

from backend.archive import Batch, CacheWriter
from backend.archive.health import Round
from backend.client import AnswerError, PermissionDeniedError
from backend.workers import node as node_module
from backend.workers import store as store_module
from backend.workers.node import Found, NodeFetcher
from backend.workers.store import Store
from backend.workers.turns import Turns
from tests.workers.fakes import FakeRemote, Ground, ended, nothing, started
from tests.workers.fetching import fetched, fetching
from tests.workers.fleet_at_work import NOW, eventually

HOUR = 3_600


class Fetch:
    """Fetches from the node pve1 of one remote, again and again."""

    def __init__(self, at: Ground, remote: FakeRemote) -> None:
        self.round = Round(started=0)
        self.blind = False
        self._at = at
        self._store = Store(at.writer)
        turns = Turns(1, self._store.room)
        oldest = int(NOW) - 3 * 86_400
        self._nodes = NodeFetcher(remote, self._store, turns, oldest=lambda: oldest, clock=at.clock)

    async def __call__(self) -> Found:
        async with self._store:
            return await self._nodes.fetch("pve1", self.round, blind=self.blind)


@pytest.mark.parametrize("future", [15, 5 * HOUR])
async def test_a_task_that_starts_while_a_list_with_a_future_task_is_asked_for_is_not_missed(
    at: Ground, future: int
) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 5), ended(2, NOW + future)]

    async def start() -> None:
        remote.meanwhile = nothing
        remote.remembered.append(ended(3, NOW + 10))
        at.clock.now += 20

    remote.meanwhile = start
    fetch = Fetch(at, remote)
    await fetch()
    assert at.cutoff == NOW - 5
    at.clock.now += 600
    await fetch()
    assert fetched(at) == {"1", "2", "3"}


@pytest.mark.parametrize("ahead", [-7 * HOUR, -HOUR, 0, HOUR, 7 * HOUR])
@pytest.mark.parametrize("future", [0, HOUR // 2, 8 * HOUR])
async def test_nothing_is_missed_of_a_node_whose_clock_is_wrong_even_after_it_was_another_way_wrong(
    at: Ground, ahead: int, future: int
) -> None:
    remote = FakeRemote()
    remote.skew = ahead
    here = NOW + ahead
    remote.remembered = [ended(1, here - 5), ended(2, here + future)]
    fetch = Fetch(at, remote)
    for number in range(3, 20):
        at.clock.now += 600
        await fetch()
        at.clock.now += 5
        remote.remembered.append(ended(number, at.clock.now + ahead))
    await fetch()
    assert fetched(at) == {str(number) for number in range(1, 20)}


async def test_a_cutoff_that_lies_ahead_hides_nothing(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50)]
    at.writer.store(Batch([], {("wien", "pve1"): int(NOW) + 12 * HOUR}))
    await Fetch(at, remote)()
    assert fetched(at) == {"1"}
    assert at.cutoff == NOW - 50


async def test_a_clock_that_was_set_back_behind_the_cutoff_has_all_fetched_again(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 24 * HOUR), ended(2, NOW - 700), ended(3, NOW)]
    fetch = Fetch(at, remote)
    await fetch()
    assert fetch.round.tasks == 3
    at.clock.now += 600
    remote.skew = -1_000.0
    # What has started a moment after the last fetch.
    remote.remembered.append(ended(4, NOW + 1 - 1_000))
    await fetch()
    assert fetched(at) == {"1", "2", "3", "4"}


async def test_an_empty_list_moves_no_cutoff(at: Ground) -> None:
    remote = FakeRemote()
    fetch = Fetch(at, remote)
    await fetch()
    assert at.cutoff is None
    at.writer.store(Batch([], {("wien", "pve1"): int(NOW) - 50}))
    await fetch()
    assert at.cutoff == NOW - 50


async def test_a_refused_list_moves_no_cutoff_and_is_told(at: Ground) -> None:
    remote = FakeRemote(nodes=("pve1", "pve2"))
    remote.remembered = [ended(1, NOW - 50), ended(2, NOW - 40, node="pve2")]
    remote.errors["pve1"] = PermissionDeniedError("wien", "the token lacks Sys.Audit")
    async with fetching(at, remote):
        await eventually(lambda: at.board.health.round is not None and at.board.health.round.finished is not None)
    assert at.cutoff is None
    assert at.writer.cutoff("wien", "pve2") == NOW - 40
    assert "Sys.Audit" in (at.board.health.remotes["wien"].nodes["pve1"].error or "")


async def test_what_a_blind_token_could_not_see_comes_once_it_may(at: Ground) -> None:
    remote = FakeRemote()
    remote.audit = False
    remote.remembered = [ended(1, NOW - 900), ended(2, NOW - 500, user="mon@pve!t"), ended(3, NOW - 400)]
    async with fetching(at, remote) as fetcher:
        await eventually(lambda: fetched(at) == {"2"})
        await eventually(lambda: "Sys.Audit" in " ".join(at.notes))
        assert at.cutoff is None
        remote.audit = True
        fetcher.request()
        await eventually(lambda: fetched(at) == {"1", "2", "3"})
        await eventually(lambda: at.notes == [])
    assert at.cutoff == NOW - 400


async def test_what_is_known_of_the_cutoffs_own_second_is_not_stored_again(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50), ended(2, NOW - 50), ended(3, NOW - 60)]
    fetch = Fetch(at, remote)
    await fetch()
    assert fetch.round.tasks == 3
    remote.remembered.append(ended(4, NOW - 50))
    await fetch()
    assert fetch.round.tasks == 4
    assert fetched(at) == {"1", "2", "3", "4"}


async def test_what_is_known_is_stored_again_when_the_cutoff_was_set_back_to_have_it(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50), ended(2, NOW - 60)]
    fetch = Fetch(at, remote)
    await fetch()
    at.writer.store(Batch([], {("wien", "pve1"): int(NOW) - 60}))
    await fetch()
    assert fetch.round.tasks == 4


async def test_what_is_known_is_stored_again_when_damage_leaves_the_cutoff_where_it_was(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(number, NOW - 50) for number in range(5)]
    fetch = Fetch(at, remote)
    await fetch()
    at.writer.housekeep(merge_now=True)
    (archive,) = at.writer.directory.glob("archive.*.zst")
    content = bytearray(archive.read_bytes())
    content[len(content) // 3] ^= 0x10
    archive.write_bytes(content)
    at.writer.store(Batch([ended(9, NOW - 50)]))
    at.writer.housekeep(merge_now=True)
    assert at.writer.lowered == {("wien", "pve1")} and fetched(at) == {"9"}
    await fetch()
    assert fetched(at) == {"0", "1", "2", "3", "4", "9"}


async def test_a_fetch_that_was_under_way_when_a_round_began_does_not_count_for_it(at: Ground) -> None:
    remote = FakeRemote(nodes=("pve1", "pve2"))
    let_go = asyncio.Event()

    async def hang_on_the_second() -> None:
        if remote.asked[-1] == "pve2":
            await let_go.wait()

    remote.meanwhile = hang_on_the_second
    async with fetching(at, remote) as fetching_:
        await eventually(lambda: "pve2" in remote.asked)
        fetching_.request()
        await eventually(lambda: remote.asked.count("pve1") == 2)
        round = at.board.health.round
        assert round is not None
        let_go.set()
        await eventually(lambda: round.finished is not None)
        assert round is at.board.health.round
        assert (round.nodes_done, round.nodes_total) == (2, 2)
    assert remote.asked.count("pve2") == 2


async def test_a_long_history_is_handed_on_in_pieces_and_whole(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "BATCH_TASKS", 100)
    sizes: list[int] = []
    store = CacheWriter.store

    def note(self: CacheWriter, batch: Batch) -> None:
        sizes.append(len(batch.tasks))
        store(self, batch)

    monkeypatch.setattr(CacheWriter, "store", note)
    remote = FakeRemote()
    remote.page_rows = 30
    remote.remembered = [ended(number, NOW - number) for number in range(1, 1_001)]
    await Fetch(at, remote)()
    assert len(fetched(at)) == 1_000
    assert max(sizes) < 130


async def test_rows_that_are_no_tasks_move_no_cutoff_until_they_are_told_as_what_they_are(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50)]
    remote.rejected = 3
    fetch = Fetch(at, remote)
    with pytest.raises(AnswerError, match="3 rows of its task list were no tasks"):
        await fetch()
    assert fetched(at) == {"1"} and at.cutoff is None
    remote.rejected = 0
    remote.remembered.append(ended(2, NOW - 90))
    await fetch()
    assert fetched(at) == {"1", "2"} and at.cutoff == NOW - 50


async def test_rows_that_stay_unreadable_are_told_and_in_the_end_hold_up_no_cutoff(at: Ground) -> None:
    remote = FakeRemote(nodes=("pve1", "pve2"))
    remote.remembered = [ended(1, NOW - 50)]
    remote.rejected = 3
    async with fetching(at, remote) as fetcher:
        wien = at.board.health.remotes["wien"]
        await eventually(lambda: len(wien.nodes) == 2 and all(node.error for node in wien.nodes.values()))
        for _ in range(4):
            at.clock.now += HOUR / 4
            remote.asked.clear()
            fetcher.request()
            await eventually(lambda: remote.asked == ["nodes", *remote.members])
        await eventually(lambda: bool(at.notes))
    assert at.notes == ["6 rows of its task lists were no tasks, and are not shown"]
    assert at.cutoff == NOW - 50


async def test_an_hour_out_of_reach_is_no_hour_of_unreadable_rows(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50)]
    remote.rejected = 3
    fetch = Fetch(at, remote)
    for _ in range(4):
        with pytest.raises(AnswerError, match="no tasks; asking again"):
            await fetch()
        at.clock.now += HOUR
    await fetch()
    assert at.cutoff == NOW - 50


async def test_more_running_tasks_than_can_be_followed_are_told_and_move_no_cutoff(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "RUNNING_TASKS", 10)
    remote = FakeRemote()
    remote.remembered = [started(number, NOW - number) for number in range(1, 31)]
    remote.remembered.append(ended(99, NOW - 99))
    async with fetching(at, remote):
        await eventually(lambda: bool(at.notes))
    assert "running tasks; the others are not shown" in at.notes[0]
    assert len(at.writer.running) == 10 and "99" in fetched(at)
    assert at.cutoff is None


async def test_a_clock_that_seems_a_second_back_has_nothing_fetched_again(at: Ground) -> None:
    remote = FakeRemote()
    remote.skew = 0.0
    remote.remembered = [ended(number, NOW - number) for number in range(100)]
    fetch = Fetch(at, remote)
    await fetch()
    remote.skew = -1.5
    assert fetch.round.tasks == 100
    await fetch()
    assert fetch.round.tasks <= 102


async def test_a_clock_that_is_wrong_is_told_in_coarse_words(at: Ground) -> None:
    for skew, words in [
        (None, None),
        (-9.0, None),
        (38.0, "its clock is about 40 s ahead of ours"),
        (-7_210.0, "its clock is about 2:00:00 behind ours"),
    ]:
        at.board.answered("wien", "poll", 0.1, skew)
        assert at.notes == ([words] if words else [])
        assert at.board.health.remotes["wien"].clock_skew == skew
    # An answer that was long on its way tells less of the clock.
    at.board.answered("wien", "poll", 40.0, 38.0)
    assert at.notes == []


async def test_a_node_that_has_forgotten_what_it_told_the_last_time_is_told_of(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50)]
    async with fetching(at, remote) as fetching_:
        await eventually(lambda: fetched(at) == {"1"})
        remote.remembered = [ended(2, NOW - 5)]
        fetching_.request("wien")
        await eventually(lambda: at.notes == ["more has run than pve1 remembers: some tasks may be missing"])
        fetching_.request("wien")
        await eventually(lambda: at.notes == [])
    assert fetched(at) == {"1", "2"}


async def test_which_nodes_are_to_be_polled_by_themselves_is_learned_from_the_privileges(at: Ground) -> None:
    remote = FakeRemote(nodes=("pve1", "pve2"))
    async with fetching(at, remote) as fetching_:
        fetcher = fetching_.fetchers["wien"]
        await eventually(lambda: remote.asked == ["nodes", "pve1", "pve2"])
        assert fetcher.nodes_to_poll() == []
        remote.audits_all = False
        remote.offline = {"pve2"}
        fetching_.request("wien")
        await eventually(lambda: fetcher.nodes_to_poll() == ["pve1"])
        await eventually(lambda: "Sys.Audit on /" in " ".join(at.notes))


async def test_what_an_earlier_run_had_to_say_is_taken_back_once_it_is_over(at: Ground) -> None:
    at.board.health.remotes["wien"].notes = ["the token lacks Sys.Audit on /"]
    async with fetching(at, FakeRemote()):
        await eventually(lambda: at.notes == [])
