"""`remote-tasks simulate`: a simulated fleet to try things on."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import Any

import click

from backend.commands.command import Command, Places, with_places_options
from backend.simulator import Simulator, SimulatorError, SimulatorOptions, serve

_DEFAULTS = SimulatorOptions()


@click.command("simulate", cls=Command)
@click.option(
    "--remotes", default=_DEFAULTS.remotes, show_default=True, type=click.IntRange(1), help="How many remotes."
)
@click.option("--pbs", type=click.IntRange(0), help="How many of them are Backup Servers.  [default: one in five]")
@click.option(
    "--nodes", default=_DEFAULTS.nodes, show_default=True, type=click.IntRange(1), help="Nodes of a PVE remote."
)
@click.option(
    "--tasks-per-node",
    default=_DEFAULTS.tasks_per_node,
    show_default=True,
    help="Tasks that a PVE node remembers.",
)
@click.option(
    "--tasks-per-pbs",
    default=_DEFAULTS.tasks_per_pbs,
    show_default=True,
    help="Tasks that a Backup Server remembers.",
)
@click.option("--days", default=_DEFAULTS.days, show_default=True, help="How far the history goes back.")
@click.option("--rate", default=_DEFAULTS.rate, show_default=True, help="New tasks a minute over the whole fleet.")
@click.option("--latency", default=0.0, show_default=True, metavar="MS", help="Milliseconds before each answer.")
@click.option(
    "--port", default=0, show_default=True, help="The first remote's port, the others follow; 0: free ones."
)
@click.option("--seed", default=_DEFAULTS.seed, show_default=True, help="The same seed gives the same fleet.")
@click.option(
    "--write-config", type=click.Path(path_type=Path), metavar="FILE", help="Write a configuration for it."
)
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@with_places_options
def simulate_command(
    places: Places, write_config: Path | None, latency: float, until_stdin_closes: bool, **options: Any
) -> None:
    """Serve a simulated fleet over real HTTPS on this machine, until Ctrl-C.

    \b
      remote-tasks simulate --remotes 100 --nodes 10 --write-config sim.toml
      remote-tasks --config sim.toml --cache-dir sim-cache
    """
    try:
        simulated = SimulatorOptions(latency=latency / 1000, **options)
        asyncio.run(_simulate(simulated, write_config, until_stdin_closes))
    except SimulatorError as error:
        raise click.ClickException(str(error)) from None


async def _simulate(options: SimulatorOptions, write_config: Path | None, until_stdin_closes: bool) -> None:
    def tell(simulator: Simulator) -> None:
        remotes = list(simulator.remotes.values())
        first, last = remotes[0], remotes[-1]
        click.echo(
            f"serving {len(remotes)} remotes on {options.host}, ports {first.port} to {last.port}", err=True
        )
        if write_config is not None:
            click.echo(f"wrote {write_config}; Ctrl-C ends the fleet", err=True)
        else:
            click.echo("Ctrl-C ends the fleet; --write-config FILE writes a configuration for it", err=True)

    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(serve(options, write_config=write_config, ready=tell))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    if until_stdin_closes:
        # The demo's fleet must not outlive the demo, however that ends.
        reader = asyncio.StreamReader()
        standard_input = sys.stdin.buffer
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), standard_input)
        ending = asyncio.create_task(reader.read())
        ending.add_done_callback(lambda _: serving.cancel("standard input has closed"))
    with contextlib.suppress(asyncio.CancelledError):
        await serving
