"""The headless way of use: the workers alone, until a signal ends them."""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from backend.config import Config
from backend.interpreter import calm_interpreter
from backend.text import safe
from backend.workers import run_daemon_workers

log = logging.getLogger(__name__)


def run_daemon(config: Config, directory: Path) -> None:
    """Keep a cache up to date until SIGTERM or SIGINT. Logs to stderr. Raises CacheBusy or CacheError."""
    log_to_stderr()
    calm_interpreter()
    asyncio.run(_run(config, directory))


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
