"""`remote-tasks simulate`: a simulated fleet to try things on."""

import asyncio
import contextlib
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from backend.commands.command import Command, Places, with_places_options
from backend.simulator import (
    FAULTS_HELP,
    Fault,
    FaultError,
    Simulator,
    SimulatorError,
    SimulatorOptions,
    parse_fault,
    serve,
)

_DEFAULTS = SimulatorOptions()


def _read_faults(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> list[Fault]:
    try:
        return [parse_fault(text) for text in texts]
    except FaultError as error:
        raise click.UsageError(str(error), context) from None


@click.command(
    "simulate", cls=Command, epilog=FAULTS_HELP, short_help="Serve a simulated fleet, to try things on."
)
@click.option(
    "--remotes",
    metavar="N",
    default=_DEFAULTS.remotes,
    show_default=True,
    type=click.IntRange(1),
    help="How many remotes.",
)
@click.option(
    "--pbs",
    metavar="N",
    type=click.IntRange(0),
    help="How many of them are Backup Servers.  [default: one in five]",
)
@click.option(
    "--nodes",
    metavar="N",
    default=_DEFAULTS.nodes,
    show_default=True,
    type=click.IntRange(1),
    help="Nodes of a PVE remote.",
)
@click.option(
    "--tasks-per-node",
    metavar="N",
    default=_DEFAULTS.tasks_per_node,
    show_default=True,
    help="Tasks that a PVE node remembers.",
)
@click.option(
    "--tasks-per-pbs",
    metavar="N",
    default=_DEFAULTS.tasks_per_pbs,
    show_default=True,
    help="Tasks that a Backup Server remembers.",
)
@click.option(
    "--days", metavar="N", default=_DEFAULTS.days, show_default=True, help="How many days the history goes back."
)
@click.option(
    "--rate",
    metavar="N",
    default=_DEFAULTS.rate,
    show_default=True,
    help="New tasks a minute over the whole fleet.",
)
@click.option(
    "--speed",
    default=_DEFAULTS.speed,
    show_default=True,
    metavar="N",
    help="How fast the fleet's clock goes: with 60, an hour's tasks come in a minute.",
)
@click.option("--latency", default=0.0, show_default=True, metavar="MS", help="Milliseconds before each answer.")
@click.option(
    "--port",
    metavar="PORT",
    default=0,
    show_default=True,
    help="The first remote's port, the others follow; 0: free ones.",
)
@click.option(
    "--seed", metavar="N", default=_DEFAULTS.seed, show_default=True, help="The same seed gives the same fleet."
)
@click.option(
    "--write-config", type=click.Path(path_type=Path), metavar="FILE", help="Write a configuration for it."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    callback=_read_faults,
    metavar="FAULT",
    help="Let the fleet misbehave, as below: 'wien:hang'. May be given more than once.",
)
@click.option(
    "--control",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="More faults, one a line; taken over whenever the file changes. Empty: all is well.",
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write every task that ever ran as JSON lines, forgotten ones too: at the end, and on SIGUSR1.",
)
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@with_places_options
def simulate_command(
    places: Places,
    faults: list[Fault],
    control: Path | None,
    truth: Path | None,
    write_config: Path | None,
    latency: float,
    until_stdin_closes: bool,
    **options: Any,
) -> None:
    """Serve a simulated fleet over real HTTPS on this machine, until Ctrl-C.

    \b
      remote-tasks simulate --remotes 100 --nodes 10 --write-config sim.toml
      remote-tasks --config sim.toml --cache-dir sim-cache

    \b
      remote-tasks simulate --fault wien:hang --fault '*:reset@0.1' \\
          --control faults.txt
      echo 'graz/pve2:offline' > faults.txt
    """
    try:
        simulated = SimulatorOptions(latency=latency / 1000, **options)
        asyncio.run(_simulate(simulated, faults, control, truth, write_config, until_stdin_closes))
    except FaultError as error:
        raise click.UsageError(str(error)) from None
    except SimulatorError as error:
        raise click.ClickException(str(error)) from None


async def _simulate(
    options: SimulatorOptions,
    faults: list[Fault],
    control: Path | None,
    truth: Path | None,
    write_config: Path | None,
    until_stdin_closes: bool,
) -> None:
    def introduce(simulator: Simulator) -> None:
        remotes = list(simulator.remotes.values())
        first, last = remotes[0], remotes[-1]
        if first is last:
            where = f"1 remote on {options.host}, port {first.port}"
        elif options.port:
            where = f"{len(remotes)} remotes on {options.host}, ports {first.port} to {last.port}"
        else:
            where = f"{len(remotes)} remotes on {options.host}, each on a free port"
        click.echo(f"serving {where}", err=True)
        if write_config is not None:
            click.echo(f"wrote {write_config}; Ctrl-C ends the fleet", err=True)
        else:
            click.echo("Ctrl-C ends the fleet; --write-config FILE writes a configuration for it", err=True)

    loop = asyncio.get_running_loop()
    truth_wanted = asyncio.Event()
    serving = asyncio.create_task(
        serve(
            options,
            faults=faults,
            control=control,
            truth=truth,
            truth_wanted=truth_wanted,
            write_config=write_config,
            ready=introduce,
            tell=partial(click.echo, err=True),
        )
    )
    if truth is not None:
        loop.add_signal_handler(signal.SIGUSR1, truth_wanted.set)
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
