"""How a filter that is being typed can go on."""

import pytest

from backend.query import FIELDS, parse_filter
from tui.completion import KNOWN_VALUES, Completing, completions, one_day
from tui.typed import read_typed

VALUES = {**KNOWN_VALUES, "remote": ("wien", "graz", "Graz-lab"), "user": ("root@pam", "root@pam!backup", 'a"b')}


def texts(text: str) -> list[str]:
    return [completion.text for completion in completions(text, VALUES)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sta", ["status:"]),
        ("backup -rem", ["backup -remote:"]),
        ("status:", ["status:error", "status:warning", "status:unknown", "status:running", "status:ok"]),
        ("status:er", ["status:error"]),
        ("-remote:g", ["-remote:graz", "-remote:Graz-lab"]),
        ("remote:wien,g", ["remote:wien,graz", "remote:wien,Graz-lab"]),
        ("remote:graz", ["remote:Graz-lab"]),
        ("user:root@pam", ["user:root@pam!backup"]),
        ("user:a", ["user:a*b"]),
        ("REMOTE:W", ["REMOTE:wien"]),
        ("remote:x", []),
        ("backup", []),
        ('"sta', []),
        ("vmid:1", []),
    ],
)
def test_a_term_goes_on_with_fields_and_the_fleets_values(typed: str, expected: list[str]) -> None:
    assert texts(typed) == expected


def test_where_a_term_begins_any_field_can_stand() -> None:
    assert texts("graz ") == [f"graz {field}:" for field in FIELDS]


def test_going_through_the_ways_to_go_on_starts_anew_when_something_is_typed() -> None:
    completing = Completing(lambda text: completions(text, VALUES))
    assert completing.go_on("-remote:gr") == "-remote:graz"
    assert completing.go_on("-remote:graz") == "-remote:Graz-lab"
    assert [offer.word for offer in completing.offers("-remote:Graz-lab")] == ["Graz-lab", "graz"]
    assert completing.go_on("-remote:Graz-lab") == "-remote:graz"
    assert completing.go_on("u") == "user:"
    assert completing.go_on("user:") is None and completing.has_asked("user:")
    assert completing.go_on("user:") == "user:root@pam"
    assert completing.go_on("backup") is None and not completing.has_asked("backup")


@pytest.mark.parametrize(
    ("text", "unfinished"),
    [
        ("remote:g", True),
        ("remote:graz", False),
        ("user:root@pam", False),
        ("type:qm*", False),
        ("sta", True),
        ("status:err", True),
    ],
)
def test_a_value_that_may_go_on_is_not_taken_at_its_word_yet(text: str, unfinished: bool) -> None:
    assert read_typed(text, len(text), now=0, tz=None, values=VALUES).unfinished == unfinished


def test_a_minus_that_begins_a_term_is_no_word_yet() -> None:
    text = "status:error - graz"
    typed = read_typed(text, len("status:error -"), now=0, tz=None, values=VALUES)
    assert typed.finished == parse_filter("status:error graz")
    assert typed.whole == parse_filter(text), "what is kept is what is written"
    assert read_typed('"-"', 3, now=0, tz=None).whole == parse_filter('"-"')


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("graz since:", "since:yesterday until:yesterday"),
        ("since:t", "since:today until:today"),
        ("since:yesterday until:", "since:yesterday until:yesterday"),
        ("UNTIL:2026-11-01", "since:2026-11-01 until:2026-11-01"),
        ("since:today until:today", ""),
        ("since:2h", ""),
        ("since:yesterday ", ""),
        ("-since:yesterday", ""),
        ("status:", ""),
        ("since:2026-13-45", ""),
        ("since:Today until:Today", ""),
    ],
)
def test_while_a_day_is_named_it_is_told_how_to_name_that_day_alone(text: str, named: str) -> None:
    assert one_day(text) == named
