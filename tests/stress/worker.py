"""The workers as a process of their own, by the clock of a simulated fleet:
`python -m tests.stress.worker CONFIG CACHE-DIR EPOCH SPEED`, until SIGTERM, or until its standard input closes."""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

from backend.config import load_config
from backend.daemon import log_to_stderr
from backend.interpreter import calm_interpreter
from backend.workers import run_workers
from tests.stress.processes import FleetClock


async def work(config: Path, directory: Path, clock: FleetClock) -> None:
    working = asyncio.create_task(run_workers(load_config(config), directory, role="daemon", clock=clock))
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(sys.stdin)
        working.cancel()

    loop.add_signal_handler(signal.SIGTERM, end)
    # They must not outlive the test, however that ends.
    loop.add_reader(sys.stdin, end)
    with suppress(asyncio.CancelledError):
        await working


if __name__ == "__main__":
    log_to_stderr()
    calm_interpreter()
    asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2]), FleetClock(float(sys.argv[3]), float(sys.argv[4]))))
