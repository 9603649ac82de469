"""A program in a pseudo-terminal: keys go in, and each frame it paints is read, with the moment it arrived. Which
keys is `screen_steps`' matter."""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from tests.bench.measure import BenchError

COLUMNS, ROWS = 200, 50
PATIENCE = 30.0
"""Seconds after which what was to be painted is given up."""

_FRAME_BEGIN, _FRAME_END = b"\x1b[?2026h", b"\x1b[?2026l"
_ASKS_FOR_SYNC, _HAS_SYNC = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_TOKEN = re.compile(
    r"\x1b\[(?P<parameters>[0-9;?>=<]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|(?P<text>[^\x1b]+)"
)
_READ = 1 << 16

Condition = Callable[["Screen"], bool]
"""Says of a screen whether it shows what is waited for."""


class Screen:
    """What stands on the terminal: texts alone, each character a cell wide."""

    def __init__(self) -> None:
        self._cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self._row = self._column = 0

    @property
    def lines(self) -> list[str]:
        return ["".join(cells) for cells in self._cells]

    def feed(self, text: str) -> None:
        """Paint what was written."""
        for token in _TOKEN.finditer(text):
            if token["text"] is not None:
                self._write(token["text"])
            elif token["final"] == "H":
                row, _, column = token["parameters"].partition(";")
                self._row, self._column = int(row or 1) - 1, int(column or 1) - 1
            elif token["final"] == "J":
                self._cells = [[" "] * COLUMNS for _ in range(ROWS)]

    def _write(self, text: str) -> None:
        for part in re.split(r"([\r\n])", text):
            if part == "\n":
                self._row += 1
            elif part == "\r":
                self._column = 0
            elif part and 0 <= self._row < ROWS:
                self._cells[self._row][self._column : self._column + len(part)] = part
                del self._cells[self._row][COLUMNS:]
                self._column += len(part)


class Terminal:
    """Runs a program. Use it as a context manager: in the end the program is ended, if it did not by itself.

    Attributes:
        screen: as it was last painted.
        started: when the program was started, by time.perf_counter.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        """`folder` is for what the program remembers from one time to the next."""
        self.screen = Screen()
        self._arrived = 0.0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._buffer = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "TEXTUAL_THEME"):
            environment.pop(name, None)
        environment |= {"XDG_STATE_HOME": str(folder), "TZ": "UTC"}
        self.started = time.perf_counter()
        self._program = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._program.terminate()
        deadline = time.perf_counter() + PATIENCE
        while self._program.poll() is None and time.perf_counter() < deadline:
            self._read(0.05)
        self._program.kill()
        self._program.wait()
        os.close(self._master)

    @property
    def memory(self) -> dict[str, int]:
        """Bytes of memory of the program, by the kernel's names (proc_pid_status(5)). Raises OSError where there
        is no /proc."""
        status = Path(f"/proc/{self._program.pid}/status").read_text()
        lines = [line.partition(":") for line in status.splitlines()]
        return {name: int(value.split()[0]) << 10 for name, _, value in lines if name.startswith(("Vm", "Rss"))}

    def press(self, keys: str, until: Condition) -> float:
        """Press keys that come in one piece; the seconds from then to the end of the frame that shows what is to
        be. Raises BenchError."""
        self.settle(0)
        pressed = time.perf_counter()
        os.write(self._master, keys.encode())
        return self.wait(until) - pressed

    def press_and_settle(self, keys: str, quiet: float) -> float:
        """Press keys; the seconds from then to the end of the last frame before nothing came for a while."""
        self.settle(0)
        pressed = time.perf_counter()
        os.write(self._master, keys.encode())
        return self.settle(quiet) - pressed

    def wait(self, until: Condition) -> float:
        """Wait for a frame that shows what is to be; when it arrived."""
        deadline = time.perf_counter() + PATIENCE
        while True:
            for arrived in self._read(0.2):
                if until(self.screen):
                    return arrived
            if time.perf_counter() > deadline or self._program.poll() is not None:
                raise BenchError("the screen does not show what it should:\n" + "\n".join(self.screen.lines))

    def rest(self, seconds: float) -> None:
        """Let the program go on for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._read(left)

    def settle(self, quiet: float) -> float:
        """Read until nothing has come for so many seconds; when the last frame arrived."""
        last = time.perf_counter()
        while frames := self._read(quiet):
            last = frames[-1]
        return last

    def _read(self, timeout: float) -> list[float]:
        """Read on for so many seconds at most, to the end of the next frame. The screen takes it in, and its
        arrival is told; nothing if none came."""
        if _FRAME_END not in self._buffer:
            ready, _, _ = select.select([self._master], [], [], timeout)
            if not ready:
                return []
            try:
                content = os.read(self._master, _READ)
            except OSError:  # what Linux says once the program has closed its side
                return []
            self._arrived = time.perf_counter()
            if _ASKS_FOR_SYNC in content:
                os.write(self._master, _HAS_SYNC)
            self._buffer += content
        frame, end, rest = self._buffer.partition(_FRAME_END)
        if not end and _FRAME_BEGIN in frame:
            return self._read(timeout)
        if not end:
            # written before the program knew of frames: all but what may be half a sequence
            cut = frame.rfind(b"\x1b")
            frame, rest = frame[:cut], frame[cut:]
        self._buffer = rest
        self.screen.feed(self._decoder.decode(frame))
        return [self._arrived]
