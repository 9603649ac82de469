"""What to say of remotes that answer nothing: what ran there is shown as it was when they last answered."""

import time

import click

from backend.archive import Snapshot, TaskCache
from backend.archive.health import Health
from backend.listing import list_running
from backend.query import Filter
from backend.times import moment_words


def silence_words(health: Health, remote: str) -> str:
    """Since when a remote has not answered; empty if it answers."""
    known = health.remotes.get(remote)
    now = time.time()
    if known is None or not known.is_silent(now):
        return ""
    if known.last_success is None:
        return f"{remote} has never answered"
    return f"{remote} has not answered since {moment_words(known.last_success, now)}"


def warn_of_silence(cache: TaskCache, snapshot: Snapshot, wanted: Filter) -> None:
    """Say on stderr which of the running tasks that match may have ended by now."""
    health = cache.health()
    for remote in sorted({task.remote for task in list_running(snapshot, wanted)}):
        if words := silence_words(health, remote):
            click.echo(f"warning: {words}; what ran there may have ended", err=True)
