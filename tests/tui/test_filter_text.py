"""A filter's text, changed without typing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.query import MOST_CHARACTERS, parse_filter
from tests.tui.fleet import NOW, pve_task
from tui.filter_text import named, names, replaced, switched, term


def test_a_value_is_put_in_joins_its_like_and_is_taken_out() -> None:
    text = switched("backup", "remote", "wien")
    assert text == "backup remote:wien"
    text = switched(text, "remote", "graz")
    assert text == "backup remote:wien,graz"
    text = switched(text, "remote", "wien")
    assert text == "backup remote:graz"
    assert switched(text, "remote", "graz") == "backup"


def test_the_rest_of_a_filter_stays_as_it_is_written() -> None:
    before = '"two words"  -Type:VNCproxy since:2h'
    assert switched(before, "status", "error") == '"two words" -Type:VNCproxy since:2h status:error'


def test_excluding_takes_back_including_and_the_other_way_round() -> None:
    text = switched("remote:wien,graz", "remote", "wien", negated=True)
    assert text == "remote:graz -remote:wien"
    assert switched(text, "remote", "wien") == "remote:graz,wien"
    assert switched(text, "remote", "wien", negated=True) == "remote:graz"


def test_case_does_not_matter_to_what_is_there() -> None:
    assert names("REMOTE:Wien", "remote", "wien")
    assert switched("REMOTE:Wien x", "remote", "wien") == "x"


def test_a_value_named_by_several_terms_is_taken_out_of_all() -> None:
    assert switched("type:a,b type:b,c", "type", "b") == "type:a type:c"
    assert named("type:a,b -type:x type:c", "type") == {"a", "b", "c"}


def test_a_time_takes_the_place_of_the_one_before() -> None:
    assert replaced("since:2h x", "since", "today") == "x since:today"
    assert replaced("x since:today", "since", "today") == "x"


@pytest.mark.parametrize("user", ['a"b@pam', "a,b@pam", "a\x1b[31m@pam", "ärger@pam", "*@pam", "@", '"'])
def test_whatever_a_user_is_called_a_filter_can_name_him(user: str) -> None:
    task = pve_task(NOW, end=NOW, user=user)
    wanted = parse_filter(term("user", user))
    assert wanted.matches(task)
    assert wanted.text.isprintable()


@given(st.text(min_size=1, max_size=40), st.booleans())
def test_what_is_put_in_can_be_read_and_taken_out_again(value: str, negated: bool) -> None:
    text = switched("status:ok", "user", value, negated=negated)
    assert len(text) <= MOST_CHARACTERS
    assert len(parse_filter(text).terms) == 2
    assert names(text, "user", value, negated=negated)
    assert switched(text, "user", value, negated=negated) == "status:ok"
