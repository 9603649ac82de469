"""The truth about a simulated fleet: every task that any of its nodes ever ran, told or forgotten, to compare with
what a client has gathered."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from backend.archive.files import new_file
from backend.simulator.fleet import SimulatedRemote
from backend.simulator.options import SimulatorError
from backend.upid import remote_upid

_AT_A_TIME = 200


class TrueTask(NamedTuple):
    """One task as it was.

    Attributes:
        node: as the API knows it; of a PBS host `localhost`.
        upid: the remote UPID.
        starttime, endtime: as its node tells them, UNIX seconds; no endtime and no status while it runs.
        forgotten: since when its node does not list it any more, by the fleet's clock; None if it still does.
    """

    remote: str
    node: str
    upid: str
    starttime: int
    endtime: int | None
    status: str | None
    forgotten: int | None


def true_tasks(remotes: Iterable[SimulatedRemote], now: int) -> Iterator[TrueTask]:
    """Every task that started up to `now` (the fleet's clock, UNIX seconds), node by node, made as they are asked
    for."""
    for remote in remotes:
        for node, history in remote.histories.items():
            for task, ended, forgotten in history.fates(now):
                upid = remote_upid(remote.type, remote.name, task.upid)
                endtime, status = (task.endtime, task.status) if ended else (None, None)
                yield TrueTask(remote.name, node, upid, task.starttime, endtime, status, forgotten)


async def write_truth(path: Path, tasks: Iterable[TrueTask]) -> None:
    """Write tasks as JSON lines with the keys of TrueTask, and put the file in its place when it is whole. The
    fleet goes on answering meanwhile. Raises SimulatorError."""
    try:
        with new_file(path, durable=False) as (file, temporary):
            for number, task in enumerate(tasks):
                file.write(orjson.dumps(task._asdict(), option=orjson.OPT_APPEND_NEWLINE))
                if number % _AT_A_TIME == 0:
                    await asyncio.sleep(0)
        os.replace(temporary, path)
    except OSError as error:
        raise SimulatorError(f"cannot write {path}: {error.strerror}") from None
