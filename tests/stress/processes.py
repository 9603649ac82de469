"""The two sides of a stress test as processes of their own: a simulated fleet, and the workers that watch it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

import httpx
import orjson

from backend.config import load_config
from backend.simulator import TrueTask

ROOT = Path(__file__).parents[2]
SAMPLES = 60
"""Answers from which a fleet's clock is read: of each, the whole second alone is told."""


@dataclass(frozen=True, slots=True)
class FleetClock:
    """The clock of a simulated fleet: it showed `epoch` (UNIX seconds) at that time, and goes `speed` times as
    fast as ours. Calling it gives what it shows now."""

    epoch: float
    speed: float

    def __call__(self) -> float:
        return self.at(time.time())

    def at(self, moment: float) -> float:
        """What it shows at a moment of our clock."""
        return self.epoch + (moment - self.epoch) * self.speed

    def ours(self, shown: float) -> float:
        """What our clock shows when it shows that."""
        return self.epoch + (shown - self.epoch) / self.speed


class FleetProcess:
    """`remote-tasks simulate` while its context lasts.

    Attributes:
        config: the configuration with which to watch it.
        clock: its clock, as read from its answers.
    """

    def __init__(self, folder: Path, options: Sequence[str], *, speed: float = 1.0) -> None:
        """Its files are put into `folder`; `options` are the command's, but for the speed."""
        self.config = folder / "fleet.toml"
        self.clock = FleetClock(0.0, 1.0)
        self._control = folder / "faults"
        self._truth = folder / "truth.jsonl"
        self._speed = speed
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._faults: tuple[str, ...] = ()
        # It must not outlive the test, however that ends.
        self._command = [sys.executable, "-m", "tui", "simulate", "--until-stdin-closes", *options]
        for option, value in (
            ("--write-config", self.config),
            ("--control", self._control),
            ("--truth", self._truth),
            ("--speed", speed),
        ):
            self._command += [option, str(value)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read_lines)
        self._reader.start()
        try:
            self._wait_for("wrote ")
            if self._speed != 1:
                self.clock = FleetClock(self._read_epoch(), self._speed)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def set_faults(self, faults: Iterable[str]) -> None:
        """Let these faults hold, and no others; they do when this returns."""
        wanted = tuple(faults)
        if wanted != self._faults:
            new = self._control.with_suffix(".new")
            new.write_text("".join(f"{fault}\n" for fault in wanted))
            new.replace(self._control)
            self._wait_for("faults: ")
            self._faults = wanted

    def truth(self) -> list[TrueTask]:
        """Every task that the fleet ran up to now."""
        self._process.send_signal(signal.SIGUSR1)
        self._wait_for("wrote ")
        return self._read_truth()

    def end(self) -> list[TrueTask]:
        """End the fleet; every task that it ever ran."""
        self._end()
        assert self._process.returncode == 0
        return self._read_truth()

    def _read_truth(self) -> list[TrueTask]:
        with self._truth.open("rb") as file:
            return [TrueTask(**orjson.loads(line)) for line in file]

    def _read_lines(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.put(line)

    def _wait_for(self, start: str, seconds: float = 30.0) -> None:
        """Wait for a line that begins so."""
        deadline = time.monotonic() + seconds
        told = []
        while True:
            try:
                told.append(self._lines.get(timeout=max(0.0, deadline - time.monotonic())))
            except Empty:
                raise AssertionError(f"the fleet did not say {start!r}, but {told}") from None
            if told[-1].startswith(start):
                return

    def _read_epoch(self) -> float:
        """When the fleet began, by bounds that each answer narrows."""
        remote = next(iter(load_config(self.config).remotes.values()))
        header = {"Authorization": f"PVEAPIToken={remote.token_id}={remote.secret.reveal()}"}
        earliest, latest = float("-inf"), float("inf")
        with httpx.Client(verify=False, headers=header, trust_env=False) as client:
            for _ in range(SAMPLES):
                before = time.time()
                answer = client.get(f"https://{remote.nodes[0]}/api2/json/version")
                after = time.time()
                shown = parsedate_to_datetime(answer.headers["date"]).timestamp()
                earliest = max(earliest, (before * self._speed - shown - 1) / (self._speed - 1))
                latest = min(latest, (after * self._speed - shown) / (self._speed - 1))
        assert 0 <= (latest - earliest) * self._speed < 2, "the fleet's clock cannot be read"
        return (earliest + latest) / 2

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stderr):
            assert pipe is not None
            pipe.close()


class WorkerProcess:
    """The workers of a cache directory, which may be killed and started again; ended with its context.

    Attributes:
        log: what they have to say.
    """

    def __init__(self, config: Path, directory: Path, clock: FleetClock) -> None:
        self.log = directory.with_suffix(".log")
        arguments = [str(config), str(directory), repr(clock.epoch), repr(clock.speed)]
        self._command = [sys.executable, "-m", "tests.stress.worker", *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._wait()

    @property
    def runs(self) -> bool:
        """Whether it was started, and has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    @property
    def peak_memory(self) -> int:
        """The most bytes that it ever held in memory, since it was started."""
        assert self._process is not None
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def start(self) -> None:
        """Start them; they say everything into the log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.PIPE, stderr=log)

    def kill(self) -> None:
        """What `kill -9` does."""
        assert self._process is not None and self.runs, "the workers have ended by themselves"
        self._process.kill()
        self._wait()

    def stop(self) -> None:
        """End them as a service is ended."""
        assert self._process is not None and self.runs, "the workers have ended by themselves"
        self._process.terminate()
        self._wait()
        assert self._process.returncode == 0, "the workers did not end cleanly"

    def _wait(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.wait(30)
        self._process.stdin.close()


def temporary_files(directory: Path) -> list[str]:
    """Files that somebody was writing when killed, and what was set aside."""
    names = [*os.listdir(directory), *(os.listdir(directory / "inbox") if (directory / "inbox").exists() else [])]
    return [name for name in names if name.startswith((".tmp-", ".aside-"))]
