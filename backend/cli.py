"""The command line, all but the dashboard, which `tui.__main__` hands in. Each failure is one line on stderr: exit
status 2 for wrong usage, 1 for anything else."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click

from backend.commands.command import CACHE_HELP, CONFIG_HELP, Places, clear_errors

COMMANDS = ("import", "list", "log", "refresh", "remotes", "simulate", "stats", "stop", "track", "wait")
"""Each is `COMMAND_command` in a module of its name: only the one that is called is imported."""
_MODULES = {"import": "import_history"}
"""Of a command whose name cannot be a module's."""

Dashboard = Callable[[Places], None]
"""Runs the dashboard until the user leaves it."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"backend.commands.{_MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command


def make_command(dashboard: Dashboard, demo: Callable[[], None]) -> click.Group:
    """The command `remote-tasks`, with the two ways into the dashboard."""

    @click.group(
        cls=_LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
    )
    @click.version_option(package_name="remote-tasks", message="%(prog)s %(version)s")
    @click.option("--daemon", is_flag=True, help="Headless: only fetch and poll, until SIGTERM or Ctrl-C.")
    @click.option(
        "--demo", "demonstrate", is_flag=True, help="The dashboard on a simulated fleet; leaves nothing behind."
    )
    @click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help=CONFIG_HELP)
    @click.option("--cache-dir", type=click.Path(path_type=Path), metavar="DIR", help=CACHE_HELP)
    @click.pass_context
    def remote_tasks(
        context: click.Context, daemon: bool, demonstrate: bool, config: Path | None, cache_dir: Path | None
    ) -> None:
        """The tasks of many Proxmox VE clusters and Backup Servers: what runs now, and everything that ran.

        Without a command: the dashboard, which fetches by itself unless a daemon does already.

        \b
          remote-tasks --demo                      look around, nothing to configure
          remote-tasks                             the dashboard on your own fleet
          remote-tasks --daemon                    fetch without a screen: a service
          remote-tasks list status:error since:1d  what failed in 24 hours
        """
        places = context.obj = Places(config, cache_dir)
        if context.invoked_subcommand is not None:
            if daemon or demonstrate:
                raise click.UsageError("--daemon and --demo go without a command")
            return
        if daemon and demonstrate:
            raise click.UsageError("--daemon and --demo do not go together")
        with clear_errors():
            if daemon:
                from backend.daemon import run_daemon  # only for this: it brings the client and the workers

                run_daemon(places.load(), places.cache)
            elif demonstrate:
                demo()
            else:
                dashboard(places)

    return remote_tasks
