"""A PVE node that knows one task, for `tests.client.server`: its log, state and stop, as a test wants them."""

from pathlib import Path

from backend.config import Config
from backend.task import Task
from tests.client.server import SECRET, ApiServer, Reply, Request, data


class TaskServer:
    """Answers about one task. What it answers may be changed at any time.

    Attributes:
        lines: the log.
        running: whether the task runs; a stop ends it.
        refusal: what is answered instead of anything else; None: nothing.
        asked: the log requests so far, as (start, limit).
        stops: how often the task was to be stopped.
        total: how many lines it says the log has; None: as many as there are.
    """

    def __init__(self, task: Task, lines: list[str] | range) -> None:
        self.task = task
        self.lines = lines
        self.running = task.running
        self.refusal: Reply | None = None
        self.asked: list[tuple[int, int]] = []
        self.stops = 0
        self.total: int | None = None

    def __call__(self, request: Request) -> Reply:
        if self.refusal is not None:
            return self.refusal
        if request.method == "DELETE":
            self.stops += 1
            self.running = False
            return data(None)
        if request.path.endswith("/log"):
            return self._log(int(request.query["start"]), int(request.query["limit"]))
        if request.path.endswith("/status"):
            state = {"status": "running"} if self.running else {"status": "stopped", "exitstatus": "OK"}
            return data(state)
        row = {"upid": self.task.parsed.upid.text, "starttime": self.task.starttime}
        if not self.running:
            row |= {"endtime": self.task.endtime or self.task.starttime + 60, "status": self.task.status or "OK"}
        return data([row])

    def _log(self, start: int, limit: int) -> Reply:
        self.asked.append((start, limit))
        end = min(len(self.lines), start + limit)
        rows = [{"n": number + 1, "t": _text(self.lines[number])} for number in range(start, end)]
        if not self.lines:
            rows = [{"n": 1, "t": "no content"}]
        return data(rows, total=len(self.lines) if self.total is None else self.total)


def _text(line: str | int) -> str:
    return line if isinstance(line, str) else f"line {line} of many"


def config_of(server: ApiServer) -> Config:
    """A configuration whose only remote is that server, `wien`."""
    return Config(remotes={"wien": server.remote()})


def write_config(server: ApiServer, path: Path) -> None:
    """The same as a file."""
    path.touch(mode=0o600)
    path.write_text(
        f"""[remotes.wien]
type = "pve"
nodes = ["{server.endpoint}"]
fingerprint = "{server.identity.fingerprint}"
token-id = "monitor@pve!tasks"
token-secret = "{SECRET}"
"""
    )
