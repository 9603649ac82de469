"""Starting the dashboard: on the user's own fleet, with the workers in this process unless a daemon is at work; or
where there is no fleet yet, with the ways to one."""

import asyncio
import importlib
from contextlib import aclosing
from functools import partial
from pathlib import Path

import click

from backend.apart import run_apart
from backend.commands.command import Places
from backend.config import Config, ConfigError
from backend.config.watch import config_changes
from backend.interpreter import calm_interpreter
from tui.app import Dashboard
from tui.keymap import read_keys
from tui.memory import Memory
from tui.screens.welcome import WelcomeScreen


def show_dashboard(places: Places, memory: Memory, *, label: str = "") -> bool:
    """Show the dashboard, with this label, until the user leaves it; whether that was for the demo. Raises
    ConfigError where the configuration cannot be used."""
    dashboard = make_dashboard(places, memory, label=label)
    dashboard.run()
    return dashboard.demo_wanted


def make_dashboard(places: Places, memory: Memory, *, label: str = "") -> Dashboard:
    """The dashboard on this configuration and cache. Raises ConfigError."""
    cache = places.open_cache()
    file = places.config_file
    try:
        config = places.load()
    except click.ClickException:
        config = Config(path=file, files=frozenset({file}))
        work = partial(_work_once_configured, config, places.cache)
    else:
        work = partial(_work, config, places.cache)
    calm_interpreter()
    welcome = None
    # where somebody else fetches, looking needs no configuration
    if not config.remotes and not cache.has_worker():
        welcome = WelcomeScreen(file, () if places.config is None else ("--config", str(file.absolute())))
    return Dashboard(
        cache,
        work=work,
        memory=memory,
        load=partial(_load, places),
        changes=partial(config_changes, config),
        keys=read_keys(config.keys),
        welcome=welcome,
        label=label,
    )


async def _work_once_configured(nothing: Config, directory: Path) -> None:
    """Wait for a configuration, and work on it. `nothing` tells where it will be."""
    async with aclosing(config_changes(nothing)) as changes:
        async for change in changes:
            if isinstance(change, Config):
                config = change
                break
    await _work(config, directory)


async def _work(config: Config, directory: Path) -> None:
    """Fetch and poll, in an event loop of its own: in the screen's, each step of answering a key would wait for
    whatever the remotes have just answered. What it takes is imported only now that rows are shown."""
    await asyncio.to_thread(importlib.import_module, "backend.workers")
    from backend.workers import run_workers_when_free

    work = partial(run_workers_when_free, config, directory, role="dashboard")
    await run_apart(work, "workers")


def _load(places: Places) -> Config:
    """The configuration as it is now. Raises ConfigError."""
    try:
        return places.load()
    except click.ClickException as error:
        raise ConfigError(error.message) from None
