"""The demo, driven in a pseudo-terminal as a new user would, and what is said where there is no terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

COMMAND = [sys.executable, "-m", "tui"]
GAP = r"(?: |\x1b\[[0-9;]*m)+"
"""What may stand between two words on a terminal: spaces and changes of style."""


def processes_of(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def test_the_demo_shows_tasks_within_15_s_and_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm-256color"}
    demo = pexpect.spawn(
        COMMAND[0], [*COMMAND[1:], "--demo"], dimensions=(40, 120), env=environment, encoding="utf-8", timeout=15
    )
    demo.expect(f"Running{GAP}[0-9]")
    demo.expect(f"History{GAP}[0-9]")
    demo.expect("✓")
    demo.send("/")
    demo.send("status:error\r")
    demo.expect(f"[0-9]{GAP}of{GAP}[0-9]")
    demo.send("q")
    demo.expect(pexpect.EOF)
    demo.close()
    assert demo.exitstatus == 0
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("arguments", [[], ["--demo"]])
def test_without_a_terminal_one_line_names_what_works_without(arguments: list[str]) -> None:
    result = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "terminal" in line and "--daemon" in line and "list" in line
