"""The headless way of use: the workers alone, until a signal ends them."""

import asyncio
import gc
import logging
import signal
import sys
from pathlib import Path

from backend.allocator import give_memory_back
from backend.config import Config
from backend.text import safe
from backend.workers import run_daemon_workers

log = logging.getLogger(__name__)

SWITCH_INTERVAL = 0.0005
"""How long (seconds) a thread that writes or merges may keep the interpreter from the event loop. With Python's
own 5 ms each step of the loop waits that long during a first fill."""


def run_daemon(config: Config, directory: Path) -> None:
    """Keep a cache up to date until SIGTERM or SIGINT. Logs to stderr. Raises CacheBusy or CacheError."""
    log_to_stderr()
    calm_interpreter()
    asyncio.run(_run(config, directory))


def calm_interpreter() -> None:
    """Have neither threads nor the garbage collector keep the event loop waiting: what was imported by now, most
    of all there is, is not looked through again and again. Have freed memory given back. To be called before any
    thread is started."""
    give_memory_back()
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


async def _run(config: Config, directory: Path) -> None:
    work = asyncio.create_task(run_daemon_workers(config, directory))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        log.info("stopped; everything fetched is stored")


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send log records to stderr, a line each, with whatever remotes sent made safe to print."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_SafeFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # They tell each request, and each change of a file, at this level.
    for name in ("httpx", "watchfiles"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _SafeFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(safe, super().format(record).split("\n")))
