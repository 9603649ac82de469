"""What the dashboard says of the fleet: how far a round is, what is stale since when, what ages count to."""

from datetime import UTC

import pytest

from backend.archive.health import Health, NodeHealth, RemoteHealth, Round
from tui.status import elapses_until, last_heard, round_words, settled_skews, stale_words

NOW = 1_795_478_000.0


def fleet(**changes: object) -> Health:
    """One remote, `wien`, which answered 5 s ago, with the nodes pve1 and pve2; pve2 is out of reach."""
    nodes = {"pve1": NodeHealth(NOW - 300), "pve2": NodeHealth(NOW - 7_200, "node pve2 is silent")}
    remote = RemoteHealth(last_success=NOW - 5, nodes=nodes)
    for name, value in changes.items():
        setattr(remote, name, value)
    return Health(remotes={"wien": remote})


def test_a_round_that_goes_on_tells_how_far_it_is_and_how_long_it_takes() -> None:
    health = Health(round=Round(NOW - 30, nodes_done=250, nodes_total=1_000, tasks=61_234))
    assert round_words(health, NOW) == "━━╌╌╌╌╌╌╌╌ 250 of 1,000 nodes, 61,234 tasks, 1:30 left"
    health.round = Round(NOW - 30, nodes_done=2, nodes_total=1_000, tasks=600)
    assert round_words(health, NOW) == "╌╌╌╌╌╌╌╌╌╌ 2 of 1,000 nodes, 600 tasks"


@pytest.mark.parametrize(
    ("node", "ago", "words"),
    [
        ("pve1", 5, ""),
        ("pve1", 60, ""),
        ("pve1", 61, "stale since 23:52"),
        ("unknown", 5, ""),
        ("pve2", 5, "stale since 21:53"),
    ],
)
def test_tasks_are_stale_while_nothing_is_heard_of_their_remote_or_their_node(
    node: str, ago: int, words: str
) -> None:
    health = fleet(last_success=NOW - ago)
    assert stale_words(health, "wien", node, NOW, UTC) == words


def test_what_was_never_heard_of_is_stale_and_what_is_of_no_remote_is_not() -> None:
    assert stale_words(fleet(last_success=None), "wien", "pve1", NOW, UTC) == "stale"
    assert stale_words(fleet(), "graz", "pve1", NOW, UTC) == ""
    assert elapses_until(fleet(), "graz", "pve1", NOW, skew=0.0, stale=False) == NOW


def test_elapsed_times_count_by_the_clock_that_the_start_was_read_from() -> None:
    assert elapses_until(fleet(), "wien", "pve1", NOW, skew=-3_600.0, stale=False) == NOW - 3_600
    assert elapses_until(fleet(), "wien", "pve1", NOW, skew=7_200.0, stale=False) == NOW + 7_200


def test_a_clock_that_is_some_seconds_off_is_known_to_two_and_its_measures_do_not_flicker() -> None:
    skews: dict[str, float] = {}
    kept = []
    for measured in (None, 1.4, -1.4, 4.2, 3.1, 5.1, None, 4.4, -0.3, -3_600.2):
        skews = settled_skews(skews, fleet(clock_skew=measured))
        kept.append(skews["wien"])
        assert measured is None or abs(kept[-1] - measured) < 2
    assert kept == [0, 0, 0, 4.2, 4.2, 4.2, 4.2, 4.2, -0.3, -3_600.2]


def test_the_time_of_what_is_stale_stands_still_since_it_was_heard_of() -> None:
    assert elapses_until(fleet(), "wien", "pve2", NOW, skew=0.0, stale=True) == NOW - 7_200
    assert elapses_until(fleet(), "wien", "pve2", NOW, skew=60.0, stale=True) == NOW - 7_140
    assert elapses_until(fleet(last_success=None), "wien", "pve1", NOW, skew=0.0, stale=True) is None
    assert last_heard(fleet(), "wien", "pve1") == NOW - 5
