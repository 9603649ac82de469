"""The demo, driven in a pseudo-terminal as a new user would, and what is said where there is no terminal."""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pyte
import pytest

COMMAND = [sys.executable, "-m", "tui"]


class Terminal:
    """A program in a pseudo-terminal, and the screen it paints."""

    def __init__(self, *arguments: str, environment: dict[str, str], columns: int = 120, rows: int = 40) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        size = {"COLUMNS": str(columns), "LINES": str(rows), "TERM": "xterm-256color"}
        self.program = pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], *arguments],
            dimensions=(rows, columns),
            env={**os.environ, **size, **environment},
            encoding="utf-8",
        )

    def wait_for(self, pattern: str, seconds: float = 15.0) -> None:
        """Read what the program paints until the screen shows a text."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, "\n".join(self.screen.display)):
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            with contextlib.suppress(pexpect.TIMEOUT):
                self._stream.feed(self.program.read_nonblocking(65_536, timeout=0.1))


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
    terminal = Terminal("--demo", environment={"TMPDIR": str(tmp_path)})
    terminal.wait_for(r"Running [1-9][\s\S]*▶[\s\S]*History [1-9][\s\S]*✓")
    # one node is out of reach, so that there is a trouble to see
    terminal.wait_for(r"✗ dresden, node pve4 offline")
    terminal.program.send("/status:error\r")
    terminal.wait_for(r"History [0-9,]+ of [0-9,]+ .*status:error")
    assert processes_of(tmp_path)
    terminal.program.send("q")
    terminal.program.expect(pexpect.EOF)
    terminal.program.close()
    assert terminal.program.exitstatus == 0
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("arguments", [[], ["--demo"]])
def test_without_a_terminal_one_line_names_what_works_without(arguments: list[str]) -> None:
    result = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "terminal" in line and "--daemon" in line and "list" in line
