"""Tables for eyes: whole without a width, and as wide as the terminal with one."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pexpect
import pytest

from backend.archive import Batch, CacheWriter
from backend.report import TASK_COLUMNS, UPID_COLUMN
from backend.table import Column, draw_table
from tests.tui.fleet import NOW, pve_task

STATUS = "command '/usr/bin/termproxy 5900 --path /vms/101' failed: exit code 1"
TASKS = [
    pve_task(NOW - 9, remote="wien", user="automation@pve!terraform", end=NOW, status=STATUS),
    pve_task(NOW - 99, remote="a-remote-of-a-long-name", kind="vzdump", end=NOW, status="OK"),
]


def drawn(columns: Sequence[Column], width: int | None) -> list[str]:
    return "".join(draw_table(TASKS, columns, width)).splitlines()


def test_without_a_width_nothing_is_cut() -> None:
    title, first, _ = drawn(TASK_COLUMNS, None)
    assert title.split() == ["START", "DURATION", "REMOTE", "NODE", "USER", "TASK", "STATUS"]
    assert first.endswith(STATUS) and "automation@pve!terraform" in first


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (80, ["START", "DURATION", "REMOTE", "TASK", "STATUS"]),
        (90, ["START", "DURATION", "REMOTE", "NODE", "TASK", "STATUS"]),
        (120, ["START", "DURATION", "REMOTE", "NODE", "USER", "TASK", "STATUS"]),
    ],
)
def test_on_a_terminal_rows_fit_and_what_matters_most_stays(width: int, titles: list[str]) -> None:
    title, first, second = drawn(TASK_COLUMNS, width)
    assert title.split() == titles
    assert max(map(len, (title, first, second))) <= width
    assert "9 s  wien" in first and "command '/usr/b" in first and first.endswith("…")
    assert "a-remote-o" in second and second.endswith("OK")


def test_a_upid_is_whole_beside_its_row_or_below_it() -> None:
    columns = (*TASK_COLUMNS, UPID_COLUMN)
    assert [line.rpartition("  ")[2] for line in drawn(columns, 250)] == ["REMOTE-UPID", *(t.upid for t in TASKS)]
    _, first, below, *_ = drawn(columns, 80)
    assert below == f"  {TASKS[0].upid}" and len(first) <= 80


def test_words_below_are_in_one_piece_and_wide_letters_counted() -> None:
    columns = [Column("NAME", str.strip, least=6), Column("TROUBLE", lambda text: "refused " * 8, below=True)]
    lines = "".join(draw_table(["漢字" * 8, "e\u0301" * 6], columns, 30)).splitlines()
    trouble = f"  {'refused ' * 8}"
    assert lines == ["NAME", "漢字" * 7 + "…", trouble, "e\u0301" * 6, trouble]


def test_list_takes_the_width_of_its_terminal(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=lambda: NOW) as writer:
        writer.store(Batch(TASKS))
        arguments = ["-m", "tui", "list", "--cache-dir", str(tmp_path)]
        terminal = pexpect.spawn(sys.executable, arguments, dimensions=(24, 80), encoding="utf-8", timeout=20)
        terminal.expect(pexpect.EOF)
    assert "DURATION" in terminal.before and max(map(len, terminal.before.splitlines())) <= 80
