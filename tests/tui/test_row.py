"""The layout of rows: widths, folding, and texts that need care."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from backend.archive.health import Health
from backend.task import Task
from tests.tui.fleet import NOW, finished_tasks, pbs_task, pve_task, running_tasks
from tui.names import Names, widened
from tui.row import (
    Columns,
    Tone,
    ended_row,
    header,
    history_columns,
    history_row,
    running_columns,
    running_row,
)

NAMES = Names(remote=8, node=7, user=24)


def folded(columns: Columns) -> set[str]:
    names = ("day", "start", "duration", "remote", "node", "user", "status")
    return {name for name in names if not getattr(columns, name)}


@pytest.mark.parametrize(
    ("width", "missing"),
    [
        (198, set()),
        (118, set()),
        (90, {"user"}),
        (78, {"user", "node"}),
        (60, {"user", "node", "duration", "status"}),
        (45, {"user", "node", "duration", "status", "day"}),
        (18, {"user", "node", "duration", "status", "day", "remote", "start"}),
    ],
)
def test_columns_fold_away_in_order_as_the_screen_gets_narrow(width: int, missing: set[str]) -> None:
    assert folded(history_columns(width, NAMES)) == missing


@pytest.mark.parametrize("width", [1, 2, 3, 19, 39, 59, 60, 61, 79, 80, 99, 119, 120, 199, 300])
def test_each_row_is_exactly_as_wide_as_its_list(width: int) -> None:
    columns, running = history_columns(width, NAMES), running_columns(width, NAMES)
    for task in finished_tasks(20):
        for above in (None, task):
            text = "".join(piece.text for piece in history_row(task, above, columns, UTC))
            assert cell_len(text) == max(width, 3)
    for task in running_tasks():
        assert cell_len("".join(piece.text for piece in running_row(task, running, NOW))) == max(width, 3)
        for status in ("OK", "job errors, and many of them"):
            row = ended_row(Task(task.upid, task.starttime, NOW, status), running, NOW, faded=False)
            assert cell_len("".join(piece.text for piece in row)) == max(width, 3)
    assert cell_len(header(columns)) == width


@pytest.mark.parametrize("width", [78, 98, 118, 158, 198])
def test_every_cell_stands_below_its_heading(width: int) -> None:
    finished = pve_task(NOW, remote="graz", node="pve3", user="anna@pve", end=NOW + 131, status="job errors")
    running = pve_task(NOW - 131, remote="graz", node="pve3", user="anna@pve")
    ended = Task(running.upid, running.starttime, NOW, "job errors")
    names = Names(remote=8, node=7, user=24, task=24)
    narrow, columns = running_columns(width, names), history_columns(width, names)
    for headings, row in (
        (header(columns), history_row(finished, None, columns, UTC)),
        (header(columns), history_row(finished, finished, columns, UTC, marked=True)),
        (header(narrow), running_row(running, narrow, NOW, "last known 14:02")),
        (header(narrow), ended_row(ended, narrow, NOW, faded=True)),
    ):
        text = "".join(piece.text for piece in row)
        cells = {
            "REMOTE": "graz ",
            "NODE": "pve3 ",
            "USER": "anna@pve ",
            "TASK": "VM 101 - Start",
            "STATUS": "job errors",
        }
        for heading, cell in cells.items():
            if heading in headings:
                assert text[headings.index(heading) :].startswith(cell), heading
        if "DURATION" in headings:
            assert text[: headings.index("DURATION") + len("DURATION")].endswith(" 2:11")
        assert "TASK" in headings and "REMOTE" in headings


@pytest.mark.parametrize(
    ("width", "status", "words"),
    [
        (118, "OK", "VM 101 - Start  OK (just ended)"),
        (78, "migration aborted", "VM 101 - Start  migration aborted"),
        (60, "migration aborted", "VM 101 - St…  migration ab…"),
        (45, "OK", "VM 101 - Start  OK"),
        (20, "OK", "VM 101 - Sta…  OK"),
    ],
)
def test_the_status_with_which_a_task_has_just_ended_comes_before_all_else(
    width: int, status: str, words: str
) -> None:
    task = pve_task(NOW - 9, end=NOW, status=status)
    row = ended_row(task, running_columns(width, NAMES), NOW, faded=False)
    assert "".join(piece.text for piece in row).rstrip().endswith(words)
    assert row[-1].tone is (Tone.DIM if status == "OK" else Tone.ERROR)


def test_where_the_time_went_on_after_the_end_it_is_told_when_that_was() -> None:
    task = pve_task(NOW - 60, end=NOW, status="OK")
    for until, words in [(NOW - 5, "just ended"), (NOW + 2.9, "just ended"), (NOW + 9.5, "ended 9 s ago")]:
        row = "".join(piece.text for piece in ended_row(task, running_columns(118, NAMES), until, faded=False))
        assert row.split()[1] == "1:00" and row.rstrip().endswith(f"OK ({words})"), until


@given(
    status=st.text(min_size=1, max_size=300),
    name=st.text(st.characters(exclude_characters=":/ \t\n\r"), max_size=60),
    width=st.integers(20, 220),
)
def test_no_text_of_a_remote_breaks_a_row(status: str, name: str, width: int) -> None:
    task = pve_task(NOW, id=name, end=NOW + 9, status=status)
    text = "".join(piece.text for piece in history_row(task, None, history_columns(width, NAMES), UTC))
    assert cell_len(text) == width
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in text)


def test_a_row_says_what_the_task_is() -> None:
    task = pve_task(NOW, remote="graz", node="pve3", kind="vzdump", id="101", end=NOW + 131, status="WARNINGS: 2")
    pieces = history_row(task, None, history_columns(150, NAMES), UTC)
    words = " ".join("".join(piece.text for piece in pieces).split())
    assert words == "! Tue 24 14:32:05 2:11 graz pve3 root@pam VM/CT 101 - Backup WARNINGS: 2"
    assert pieces[0].tone is Tone.WARNING
    assert pieces[-1].tone is Tone.WARNING


def test_few_pieces_make_a_row() -> None:
    task = next(finished_tasks(1))
    assert len(history_row(task, None, history_columns(198, NAMES), UTC)) <= 6


@pytest.mark.parametrize(
    ("status", "sign", "tone"),
    [
        ("OK", "✓", Tone.OK),
        ("WARNINGS: 1", "!", Tone.WARNING),
        ("command failed", "✗", Tone.ERROR),
        ("unexpected status", "?", Tone.UNKNOWN),
    ],
)
def test_each_status_has_a_sign_and_a_tone(status: str, sign: str, tone: Tone) -> None:
    piece = history_row(pve_task(NOW, end=NOW, status=status), None, history_columns(80, NAMES), UTC)[0]
    assert (piece.text.strip(), piece.tone) == (sign, tone)


def test_a_running_row_counts_to_now() -> None:
    row = running_row(pbs_task(NOW - 3849), running_columns(118, NAMES), NOW)
    assert "".join(piece.text for piece in row).split()[:4] == ["▶", "1:04:09", "pbs-main", "backup1"]


def test_a_upid_that_cannot_be_read_stands_for_itself() -> None:
    row = history_row(Task("pve:x!UPID:\x1bodd", NOW, NOW, "OK"), None, history_columns(118, NAMES), UTC)
    assert "pve:x!UPID:␛odd" in "".join(piece.text for piece in row)


def test_times_that_no_calendar_holds_do_not_matter() -> None:
    row = history_row(pve_task(NOW, end=10**18), None, history_columns(118, NAMES), UTC)
    assert cell_len("".join(piece.text for piece in row)) == 118


@pytest.mark.parametrize(("width", "task", "status"), [(78, 23, 11), (98, 28, 17), (118, 30, 19), (198, 31, 96)])
def test_the_words_of_tasks_get_what_they_need_and_the_status_the_rest(width: int, task: int, status: int) -> None:
    columns = history_columns(width, Names(8, 7, 16, task=31))
    assert (columns.task, columns.status) == (task, status)


def test_among_tasks_that_failed_the_user_gives_way_to_the_status() -> None:
    names = Names(8, 7, 16, task=31)
    assert history_columns(118, names).user
    columns = history_columns(118, names, trouble=True)
    assert (columns.user, columns.node, columns.task, columns.status) == (0, 7, 26, 39)


@pytest.mark.parametrize("width", [78, 118, 198])
@pytest.mark.parametrize("trouble", [False, True])
def test_every_status_begins_below_its_heading_and_is_cut_where_it_is_too_long(width: int, trouble: bool) -> None:
    columns = history_columns(width, Names(8, 7, 16, task=31), trouble=trouble)
    heading = header(columns).index("STATUS")
    for kind, status in (("qmstart", "command 'dd' failed: got signal" * 4), ("aptupdate", "OK")):
        row = history_row(pve_task(NOW, kind=kind, end=NOW, status=status), None, columns, UTC)
        text = "".join(piece.text for piece in row)
        assert text[heading - 2 : heading] == "  " and cell_len(text) == width
        shown = text[heading:].rstrip()
        assert shown == status or (shown.endswith("…") and status.startswith(shown[:-1]) and len(shown) > 8)


@pytest.mark.parametrize(
    ("words", "user"), [(33, 24), (44, 20), (60, 14)], ids=["room to spare", "some room to spare", "none"]
)
def test_a_user_takes_more_than_its_share_only_of_what_the_tasks_can_spare(words: int, user: int) -> None:
    columns = running_columns(118, Names(remote=10, node=7, user=24, task=words))
    assert (columns.remote, columns.node, columns.user) == (10, 7, user)
    row = running_row(running_tasks()[0], columns, NOW, "last known 14:02")
    assert sum(cell_len(piece.text) for piece in row) == 118
    assert columns.task >= min(words + len("  OK (just ended)"), 67)


def test_columns_grow_with_what_is_in_view_and_never_shrink() -> None:
    wide = pve_task(NOW, kind="qmdelsnapshot", id="100000", end=NOW)
    grown = widened(Names(), Health(), [wide])
    assert grown.task == len("VM 100000 - Delete Snapshot")
    assert widened(grown, Health(), [pve_task(NOW, end=NOW)]) == grown
    endless = pve_task(NOW, kind="download", id="x" * 500, end=NOW)
    assert widened(grown, Health(), [endless]).task == 60


def test_what_is_stale_says_so_where_there_is_room() -> None:
    task, note = running_tasks()[0], "last known 14:02"
    row = running_row(task, running_columns(118, NAMES), NOW, note, quiet=True)
    wide = "".join(piece.text for piece in row)
    assert wide.rstrip().endswith("VM 101 - Start  last known 14:02")
    assert cell_len(wide) == 118
    narrow = running_row(task, running_columns(30, NAMES), None, note, quiet=True)
    assert "last" not in "".join(piece.text for piece in narrow)
    assert narrow[0].tone is Tone.DIM
