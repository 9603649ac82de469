"""What the dashboard says of the fleet: how far a round is."""

from backend.archive.health import Health, Round
from tui.status import round_words

NOW = 1_795_478_000.0


def test_a_round_that_goes_on_tells_how_far_it_is_and_how_long_it_takes() -> None:
    health = Health(round=Round(NOW - 30, nodes_done=250, nodes_total=1_000, tasks=61_234))
    assert round_words(health, NOW) == "━━╌╌╌╌╌╌╌╌ 250 of 1,000 nodes, 61,234 tasks, 1:30 left"
    health.round = Round(NOW - 30, nodes_done=2, nodes_total=1_000, tasks=600)
    assert round_words(health, NOW) == "╌╌╌╌╌╌╌╌╌╌ 2 of 1,000 nodes, 600 tasks"
