"""The pace of the polls: as configured while the fleet can keep it, slower and told where it cannot."""

from backend.workers.pace import PollPace


class Told:
    """What was last reported, and how often something was."""

    def __init__(self) -> None:
        self.words: str | None = None
        self.times = 0

    def __call__(self, name: str, words: str | None) -> None:
        assert name == "polling"
        self.words = words
        self.times += 1


def test_a_fleet_that_answers_in_time_is_polled_as_configured() -> None:
    told = Told()
    pace = PollPace(10.0, 20, told)
    for number in range(1000):
        pace.answered(f"r{number}", 0.1)
    assert pace.interval == 10.0
    assert told.words is None


def test_a_fleet_that_cannot_answer_in_time_is_polled_less_often_and_that_is_told_with_the_reason() -> None:
    told = Told()
    pace = PollPace(10.0, 20, told)
    for number in range(400):
        pace.answered(f"r{number}", 1.0)
    assert pace.interval == 400 / (0.8 * 20)
    assert told.words is not None and told.words.startswith("what runs is asked for every 2")
    assert "instead of every 10 s" in told.words and "max-connections" in told.words
    assert told.times < 10
    for number in range(300):
        pace.forget(f"r{number}")
    assert pace.interval == 10.0
    assert told.words is None


def test_what_is_slow_by_itself_makes_no_other_wait() -> None:
    pace = PollPace(1.0, 2, Told())
    for number in range(100):
        pace.answered(f"r{number}", 30.0)
    assert pace.interval == 1.0


def test_another_pace_in_the_configuration_applies_at_once() -> None:
    told = Told()
    pace = PollPace(10.0, 1, told)
    pace.answered("wien", 1.6)
    pace.set_interval(1)
    assert pace.interval == 2.0 and told.words is not None
    pace.set_interval(5)
    assert pace.interval == 5 and told.words is None
