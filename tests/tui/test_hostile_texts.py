"""Hostile texts from remotes in every screen, judged by the bytes that reach the terminal."""

import base64
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from backend.archive import Batch, CacheWriter
from backend.archive.health import Health, RemoteHealth, write_health
from backend.task import Task
from backend.text import safe
from tests.background import served
from tests.task_server import TaskServer, write_config
from tests.test_demo import Terminal
from tests.tui.fleet import pve_task

# a colour that nobody else asks for, clipboard, title, reset, C1, bidi, zero width, markup, wide and combining
EVIL = (
    "\x1b[31337m\x1b]52;c;RVZJTA==\x07\x1b]0;EVIL\x07\x1bc\x9b31337m\x90EVIL\x9c\u202eEVIL\u2066\u200b\u2028\ufeff\r\x08"
    "[red]日本e\u0301[/red] [@click=app.quit]x[/]"
)
FIELD = re.sub(r"[\s:/]", "", EVIL)
"""The same as a field of a UPID can carry it."""
SHOWN = r"␛\[31337m"
# what no text may have; the bell only ends what was meant
CONTROLS = re.compile(
    "[\x00-\x06\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """The dashboard on a cache into which somebody else has fetched; `wien` answers with hostile logs."""
    now = int(time.time())
    failed = pve_task(now - 60, kind="vzdump", id=FIELD, user=f"{FIELD}@pve", end=now - 40, status=EVIL)
    runs = pve_task(now - 30, kind="qm" + FIELD, id=FIELD, pid=2)
    raw = "".join(f"\\x{byte:02x}" for byte in f"store:vm/{EVIL}".encode())
    group = f"pbs:pbs!UPID:b:00000003:00000158:00000001:{now - 90:08X}:backup:{raw}:backup@pbs:"
    long = pve_task(now - 120, id="x" * 5_000, end=now, pid=4)
    node = TaskServer(failed, [EVIL] * 3)
    remotes = {"wien": RemoteHealth(error=EVIL, failing_since=now - 99), "pbs": RemoteHealth("pbs", notes=[EVIL])}
    with CacheWriter(tmp_path / "cache") as writer, served(node) as server:
        writer.store(Batch([failed, runs, Task(group, now - 90, now, EVIL), long]))
        write_health(tmp_path / "cache" / "health", Health(1, "daemon", now, None, None, remotes))
        write_config(server, tmp_path / "config.toml")
        home = {"XDG_STATE_HOME": str(tmp_path), "TZ": "UTC", "XDG_CONFIG_HOME": str(tmp_path)}
        arguments = ["--config", str(tmp_path / "config.toml"), "--cache-dir", str(tmp_path / "cache")]
        terminal = Terminal(*arguments, environment=home)
        terminal.program.logfile_read = io.StringIO()
        yield terminal
        terminal.program.close(force=True)


WALK: tuple[tuple[str, str], ...] = (
    ("", rf"failing for[^\n]*{SHOWN}[\s\S]*▶[^\n]*{SHOWN}[\s\S]*History 3[\s\S]*{SHOWN}"),
    ("\r", rf"type vzdump[\s\S]*Log 3 lines[\s\S]*\n.?{SHOWN}"),
    ("i", rf"Remote UPID[\s\S]*{SHOWN}"),
    ("q", r"Log 3 lines ─{80}"),
    ("c", rf"Copied the line: {SHOWN}"),
    ("x", r"write to vzdump"),
    (f"\x15/nowhere/\u202e{FIELD[1:9]}\r", r"there is no directory"),
    ("\x1b", r"Log 3 lines[\s\S]*copy line"),
    ("/31337m\r", r"/31337m ─"),
    ("q", r"History 3"),
    ("s", r"Statistics[\s\S]*as of"),
    ("q", r"History 3"),
    ("b", rf"Guests[\s\S]*store:vm/{SHOWN}"),
    ("/", r"only"),
    (f"{FIELD[1:7]}\r", r"Guests [^\n]*── \[31337"),
    ("qq", r"History 3"),
    ("\x1b[20~", rf"Remotes 2[\s\S]*wien[^\n]*{SHOWN}"),
    ("i", rf"Last seen[\s\S]*{SHOWN}"),
    ("qq", r"History 3"),
    ("\t", r"Tab history"),
    ("S", rf"Stop this task[\s\S]*Qm{SHOWN}"),
    ("n\t", r"History 3 ─{40}"),
    ("u", rf"Users[\s\S]*{SHOWN}"),
    ("\x1b[B\r", r"History 1 of 3 ── user:\*\[31337m"),
    ("0", r"History 3 ─{40}"),
    ("/user:", r"user:[^\n]*\n[^\n]*\*\[31337m"),
)


def test_nothing_that_a_remote_says_reaches_the_terminal_as_a_command(terminal: Terminal) -> None:
    for keys, words in WALK:
        terminal.program.send(keys)
        terminal.wait_for(words)
    terminal.program.send("\x11")
    terminal.program.expect(pexpect.EOF)
    written = terminal.program.logfile_read.getvalue()
    assert "[red]日本" in written and "[@click=app.quit]x[/]" in written
    assert set(CONTROLS.findall(written)) == set()
    assert "\x1b[31337" not in written and "\x1bc" not in written
    # of a title, the clipboard and the like there are the shape of the pointer, which is Textual's own, and the
    # line that was copied, as it is shown
    copied = base64.b64encode(safe(EVIL).encode()).decode()
    commands = re.findall("\x1b\\](.*?)(?:\x07|\x1b)", written)
    assert set(commands) - {f"52;c;{copied}"} <= {"22;default", "22;text", "22;pointer"}
    assert f"52;c;{copied}" in commands
