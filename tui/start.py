"""Starting the dashboard: on the user's own fleet, with the workers in this process unless a daemon is at work."""

from functools import partial

import click

from backend.commands.command import Places
from backend.workers import run_workers_when_free
from tui.app import Dashboard


def show_dashboard(places: Places, *, label: str = "") -> None:
    """Show the dashboard, with this label, until the user leaves it. Raises ClickException or ConfigError where
    it cannot start."""
    cache = places.open_cache()
    try:
        config = places.load()
    except click.ClickException:
        if not cache.has_worker():
            raise
        # Somebody else fetches: looking needs no configuration.
        work = None
    else:
        work = partial(run_workers_when_free, config, places.cache, role="dashboard")
    Dashboard(cache, work=work, label=label).run()
