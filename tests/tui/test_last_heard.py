"""As of when running tasks are known to run, and what their elapsed times count to."""

from datetime import UTC

import pytest

from backend.archive.health import Health, NodeHealth, RemoteHealth
from tui.last_heard import elapses_until, last_heard, settled_skews, stale_words

NOW = 1_795_478_000.0


def fleet(**changes: object) -> Health:
    """One remote, `wien`, which answered 5 s ago, with the nodes pve1 and pve2; pve2 is out of reach."""
    nodes = {"pve1": NodeHealth(NOW - 300), "pve2": NodeHealth(NOW - 7_200, "node pve2 is silent")}
    remote = RemoteHealth(last_success=NOW - 5, nodes=nodes)
    for name, value in changes.items():
        setattr(remote, name, value)
    return Health(remotes={"wien": remote})


@pytest.mark.parametrize(
    ("node", "ago", "words"),
    [
        ("pve1", 5, ""),
        ("pve1", 20, ""),
        ("pve1", 21, "last known 23:52"),
        ("unknown", 5, ""),
        ("pve2", 5, "last known 21:53"),
    ],
)
def test_tasks_are_stale_while_nothing_is_heard_of_their_remote_or_their_node(
    node: str, ago: int, words: str
) -> None:
    health = fleet(last_success=NOW - ago)
    assert stale_words(health, "wien", node, NOW, UTC) == words


def test_a_remote_falls_silent_though_something_else_failed_before() -> None:
    remote = RemoteHealth(last_success=NOW - 70, error="the fetch failed", failing_since=NOW - 300)
    assert remote.is_silent(NOW) and not remote.is_silent(NOW - 60)


def test_what_is_late_goes_by_how_often_a_remote_is_polled_and_how_long_it_takes() -> None:
    health = fleet(last_success=NOW - 100, latency=30.0)
    assert stale_words(health, "wien", "pve1", NOW, UTC) == "last known 23:51"
    health.poll_interval = 60.0
    assert stale_words(health, "wien", "pve1", NOW, UTC) == ""


@pytest.mark.parametrize(
    ("heard", "failing", "words"),
    [(3, 2, "last known 23:53"), (3, None, "last known 23:53"), (3, 40, "")],
    ids=["a poll has failed", "nobody knows when it failed", "it has answered since"],
)
def test_a_remote_whose_poll_has_failed_is_stale_at_once(heard: int, failing: int | None, words: str) -> None:
    since = None if failing is None else NOW - failing
    health = fleet(last_success=NOW - heard, error="no connection", failing_since=since)
    assert stale_words(health, "wien", "pve1", NOW, UTC) == words


def test_what_was_never_heard_of_is_stale_and_what_is_of_no_remote_is_not() -> None:
    assert stale_words(fleet(last_success=None), "wien", "pve1", NOW, UTC) == "not confirmed yet"
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
