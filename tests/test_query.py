"""The filter language: what each word of it means, what is refused and how, and that a plain model agrees."""

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.query import (
    FIELDS,
    MOST_CHARACTERS,
    MOST_TERMS,
    FilterError,
    parse_filter,
    split_last_term,
    word_matcher,
)
from backend.task import Status, Task

VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
START = int(NOW) - 3_600


def task(
    *,
    worker_type: str = "qmstart",
    worker_id: str = "101",
    remote: str = "wien",
    node: str = "pve1",
    user: str = "root@pam",
    start: int = START,
    status: str | None = "OK",
) -> Task:
    if worker_type in ("backup", "prune"):
        upid = f"pbs:{remote}!UPID:{node}:00001234:0D015579:00000001:{start:08X}:{worker_type}:{worker_id}:{user}:"
    else:
        upid = f"pve:{remote}!UPID:{node}:00001234:0D015579:{start:08X}:{worker_type}:{worker_id}:{user}:"
    return Task(upid, start, None if status is None else start + 60, status)


def matches(text: str, one: Task) -> bool:
    return parse_filter(text, now=NOW, tz=VIENNA).matches(one)


@pytest.mark.parametrize(
    ("text", "one", "wanted"),
    [
        ("", task(), True),
        ("   ", task(), True),
        ("vm 101", task(), True),
        ("start wien", task(), True),
        ("START", task(), True),
        ("stop", task(), False),
        ("wien graz", task(), False),
        ('"VM 101 - Start"', task(), True),
        ('"101 VM"', task(), False),
        ("lvcreate", task(status="command 'lvcreate' failed"), True),
        ("running", task(status=None), True),
        ("running", task(status=""), False),
        ("unknown", task(status=""), True),
        ("unknown", task(status="unexpected status"), True),
        ("unexpected", task(status="unexpected status"), True),
        ("UPID:pve1:00001234:0D015579:", task(), True),
        (task().upid, task(), True),
        (task(worker_type="backup", worker_id=r"s1\x3avm-7").upid, task(), False),
        ("sta*", task(), True),
        ("*", task(), True),
        ("-*", task(), False),
        ('"*"', task(), True),
        ("v*start", task(), True),
        ("start*vm", task(), False),
        ("w*start", task(), True),
        ("wien*pve1*qmstart*root", task(), True),
        ("ok*pve1", task(), False),
        ('"vm 101*rt"', task(), True),
        ("lv**fail*", task(status="command 'lvcreate' failed"), True),
        ("[s]tart*", task(), False),
        ("-stop", task(), True),
        ("-start", task(), False),
        ("-", task(), True),
        ("--", task(), False),
        ('-"VM 101"', task(), False),
        ('"-start"', task(), False),
        ('"- start"', task(), True),
        ("status:ok", task(), True),
        ("status:error", task(status="failed"), True),
        ("status:error", task(status=None), False),
        ("status:error", task(status="unexpected status"), False),
        ("status:warning,unknown", task(status="WARNINGS: 2"), True),
        ("status:warning,unknown", task(status="unexpected status"), True),
        ("status:warning,unknown", task(status="failed"), False),
        ("status:running", task(status=None), True),
        ("status:running", task(), False),
        ("STATUS:OK", task(), True),
        ("-status:ok", task(), False),
        ('"status:ok"', task(), False),
        ("type:qmstart", task(), True),
        ("type:qm", task(), False),
        ("type:qm*", task(), True),
        ("type:*START", task(), True),
        ("type:vzdump,qm*", task(), True),
        ("type:[q]mstart", task(), False),
        ("type:qmstar?", task(), False),
        ("type:*[a]*", task(worker_type="x[a]y"), True),
        ("-type:vzdump,qmstart", task(), False),
        ("remote:wien", task(), True),
        ("remote:wie", task(), False),
        ("remote:w*n,graz", task(), True),
        ("node:pve1", task(), True),
        ("node:PVE1", task(), True),
        ("node:pve", task(), False),
        ("user:root@pam", task(), True),
        ("user:root@pam", task(user="root@pam!backup"), True),
        ("user:root@pam!backup", task(user="root@pam!backup"), True),
        ("user:root@pam!backup", task(), False),
        ("user:root", task(), False),
        ("user:*@pam", task(user="root@pam!x"), True),
        ("vmid:101", task(), True),
        ("vmid:10", task(), False),
        ("vmid:100,101", task(), True),
        ("vmid:10*", task(), True),
        ("vmid:1*1,7", task(), True),
        ("vmid:11*", task(), False),
        ("vmid:*", task(), True),
        ("vmid:*", task(worker_type="aptupdate", worker_id=""), False),
        ("vmid:101", task(worker_type="imgdel", worker_id="101@local-lvm"), True),
        ("vmid:7", task(worker_type="backup", worker_id=r"s1\x3avm-7"), True),
        ("vmid:7", task(worker_type="backup", worker_id=r"s1\x3act-7-6B04E4A3"), True),
        ("vmid:7", task(worker_type="backup", worker_id=r"s7\x3ahost-7"), False),
        ("vmid:101", task(worker_type="aptupdate", worker_id=""), False),
        ("-vmid:101", task(), False),
        ("since:2h", task(), True),
        ("since:30m", task(), False),
        ("since:1h", task(), True),
        ("-since:30m", task(), True),
        ("until:30m", task(), True),
        ("until:2h", task(), False),
        ("since:2026-11-24", task(), True),
        ("until:2026-11-24", task(), True),
        ("until:2026-11-23", task(), False),
        ("since:today until:today", task(), True),
        ("since:yesterday until:yesterday", task(), False),
        ("since:12:00 until:12:00", task(), True),
        ("since:11:59 until:11:59", task(), False),
        ('since:"2026-11-24 12:00"', task(), True),
        (f"since:{START} until:{START}", task(), True),
        (f"since:{START + 1}", task(), False),
        ("since:2h since:30m", task(), False),
        ("until:now", task(), True),
        ("since:now", task(), False),
        ("status:ok type:qm* remote:wien -node:pve2 user:root@pam vmid:101 since:2h start", task(), True),
        ('type:"qmstart"', task(), True),
        ('user:"a,b"', task(user="a,b"), True),
        ("user:a,b", task(user="a,b"), False),
    ],
)
def test_a_filter_matches_as_the_language_says(text: str, one: Task, wanted: bool) -> None:
    assert matches(text, one) is wanted


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("start status:bad", "status:bad", "ok, warning, error, unknown or running"),
        ("status:ok,bad", "status:ok,bad", "expected ok, warning, error, unknown or running, not 'bad'"),
        ("status:", "status:", "ok, warning, error, unknown or running"),
        ("type:,", "type:,", "a task type such as vzdump"),
        ("vmid:abc", "vmid:abc", "the number of a guest"),
        ("vmid:\u0661", "vmid:\u0661", "the number of a guest"),
        ("vmid:1?", "vmid:1?", "the number of a guest"),
        ("-vmid:", "-vmid:", "the number of a guest"),
        ("since:soon", "since:soon", "a span back from now"),
        ("since:", "since:", "a span back from now"),
        ("since:tomorrow", "since:tomorrow", "not 'tomorrow'"),
        ('until:""', 'until:""', "a span back from now"),
        ("stauts:error", "stauts:error", "did you mean status:?"),
        ("vm:101", "vm:101", "did you mean vmid:?"),
        ("colour:red", "colour:red", ", ".join(FIELDS)),
        ('say "hello world', '"hello world', 'a closing "'),
        ('""', '""', "a word to search for"),
        ('-""', '-""', "a word to search for"),
    ],
)
def test_an_error_names_the_word_and_what_was_expected(text: str, word: str, expected: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text, now=NOW, tz=VIENNA)
    assert caught.value.word == word
    assert expected in caught.value.expected
    assert word in str(caught.value)


def test_a_filter_has_a_greatest_length_and_number_of_terms() -> None:
    assert len(parse_filter("x " * MOST_TERMS).terms) == MOST_TERMS
    with pytest.raises(FilterError, match="expected at most 50 terms in a filter, not 51"):
        parse_filter("x " * (MOST_TERMS + 1))
    assert parse_filter("x" * MOST_CHARACTERS)
    with pytest.raises(FilterError, match="expected at most 500 characters in a filter, not 9,000") as caught:
        parse_filter("x" * 9_000)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("text", ["status:" + "x" * 400, "since:" + "x" * 400, "x" * 400 + ":1", '"' + "x" * 400])
def test_an_error_repeats_no_more_than_the_beginning_of_a_long_word(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text, now=NOW, tz=VIENNA)
    assert caught.value.word.endswith("…")
    assert text.startswith(caught.value.word[:-1])
    assert len(str(caught.value)) < 330


@pytest.mark.parametrize(
    ("text", "before", "last"),
    [
        ("", "", ""),
        ("one", "", "one"),
        ("one two:x,y", "one ", "two:x,y"),
        ("one two ", "one two ", ""),
        ('one -"two th', "one ", '-"two th'),
        ('"one two" ', '"one two" ', ""),
        ('"one', "", '"one'),
    ],
)
def test_the_last_term_of_a_text_is_the_one_it_ends_with(text: str, before: str, last: str) -> None:
    assert split_last_term(text) == (before, last)


def test_many_parts_in_a_word_are_searched_for_in_no_more_than_one_pass() -> None:
    holds = word_matcher("a*" * 200 + "b")
    assert not holds("a" * 100_000 + "c")
    assert holds("a" * 100_000 + "b")


def test_a_day_of_25_hours_is_matched_to_its_last_second() -> None:
    first = int(datetime(2026, 10, 25, tzinfo=VIENNA).timestamp())
    text = "since:2026-10-25 until:2026-10-25"
    assert [matches(text, task(start=first + seconds)) for seconds in (-1, 0, 25 * 3_600 - 1, 25 * 3_600)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_bounds_of_a_filter_hold_all_that_matches() -> None:
    wanted = parse_filter("since:2h since:3h until:1h -until:5h", now=NOW)
    assert wanted.bounds == (NOW - 7_200, NOW - 3_600)
    assert parse_filter("-since:2h", now=NOW).bounds == (float("-inf"), NOW - 7_201)
    assert parse_filter("-until:2h", now=NOW).period == (NOW - 7_199, float("inf"))


def test_a_filter_without_terms_is_false() -> None:
    assert not parse_filter(" ")
    assert parse_filter("x")
    assert parse_filter("  x y ").text == "x y"


language = st.lists(
    st.sampled_from(
        [
            "-",
            '"',
            " ",
            ":",
            ",",
            "*",
            "[",
            "?",
            "status",
            "since",
            "type",
            "error",
            "2h",
            "UPID",
            "pve",
            "!",
            "\n",
        ]
    )
    | st.characters(),
    max_size=12,
).map("".join)


@given(language)
@example('"')
@example('abc"def ghi')
@example("-:")
@example('since:"')
def test_any_text_is_a_filter_or_an_error_of_its_own(text: str) -> None:
    try:
        wanted = parse_filter(text, now=NOW, tz=VIENNA)
    except FilterError as error:
        assert error.word
        assert error.word.removesuffix("…") in text
        assert error.expected
        return
    assert wanted.matches(task()) in (True, False)
    assert bool(wanted) is bool(text.strip())


def alone(word: str) -> list[str]:
    return [word]


starts = st.integers(START - 50_000, START + 5_000)
tasks = st.builds(
    task,
    worker_type=st.sampled_from(["qmstart", "vzdump", "backup", "aptupdate", "pve[x]"]),
    worker_id=st.sampled_from(["101", "102", "", r"s1\x3avm-101"]),
    remote=st.sampled_from(["wien", "graz", "pbs-main"]),
    node=st.sampled_from(["pve1", "pve2"]),
    user=st.sampled_from(["root@pam", "root@pam!backup", "mon@pve"]),
    start=starts,
    status=st.sampled_from([None, "OK", "WARNINGS: 1", "failed: ä", "unexpected status", ""]),
)
globs = st.sampled_from(["qm*", "*", "*d*", "pve[x]", "PVE*", "wien", "graz", "pve1", "*1", "vzdump", "root@pam"])
terms = st.one_of(
    st.tuples(st.just("status"), st.lists(st.sampled_from(list(Status)), min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["type", "remote", "node", "user"]), st.lists(globs, min_size=1, max_size=3)),
    st.tuples(st.just("vmid"), st.lists(st.sampled_from(["101", "102", "10", "*2"]), min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["since", "until"]), st.lists(starts.map(str), min_size=1, max_size=1)),
    st.tuples(st.just("word"), st.sampled_from(["vm", "ä", "root@pam", "101", "UPID", "v*1", "*i*n*"]).map(alone)),
)


def written(field: str, values: list[str]) -> str:
    return values[0] if field == "word" else f"{field}:{','.join(values)}"


def model(field: str, values: list[str], one: Task) -> bool:
    """What a term means, said in another way."""
    any_of = [value.lower().replace("[", "[[]") for value in values]
    if field == "status":
        return str(one.status_class) in values
    if field == "vmid":
        digits = one.worker_id or ""
        return any(fnmatchcase(digits.removeprefix("s1:vm/"), value) for value in values)
    if field == "since":
        return one.starttime >= int(values[0])
    if field == "until":
        return one.starttime <= int(values[0])
    if field == "word":
        shown = (one.remote, one.node, one.user, one.description, str(one.status), one.upid)
        return any(fnmatchcase(text.lower(), f"*{values[0].lower()}*") for text in shown)
    if field == "user":
        return any(fnmatchcase(name, glob) for name in (one.user, one.user.split("!")[0]) for glob in any_of)
    value = {"type": one.worker_type, "remote": one.remote, "node": one.node}[field].lower()
    return any(fnmatchcase(value, glob) for glob in any_of)


@given(st.lists(tasks, max_size=20), st.lists(st.tuples(terms, st.booleans()), max_size=3))
def test_as_many_tasks_match_as_a_plain_model_counts(
    many: list[Task], wanted: list[tuple[tuple[str, list[str]], bool]]
) -> None:
    text = " ".join(("-" if negated else "") + written(*term) for term, negated in wanted)
    parsed = parse_filter(text, now=NOW, tz=VIENNA)
    since, until = parsed.bounds
    for one in many:
        expected = all(model(*term, one) is not negated for term, negated in wanted)
        assert parsed.matches(one) is expected, (text, one)
        assert not expected or since <= one.starttime <= until


@given(tasks, terms)
def test_a_negated_term_matches_exactly_what_the_term_does_not(one: Task, term: tuple[str, list[str]]) -> None:
    text = written(*term)
    assert matches(f"-{text}", one) is not matches(text, one)
