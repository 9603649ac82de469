"""`remote-tasks remotes --check`: every step on the way to the remotes' tasks, asked of themselves."""

import asyncio
import sys
from dataclasses import asdict, fields

import click

from backend.client.check import Step, check_remote
from backend.commands.command import Command, Places, with_format_option, with_places_options
from backend.commands.fold import fold, terminal_width
from backend.commands.progress import Progress
from backend.commands.remotes.told import tell_steps
from backend.config import Config, RemoteConfig, no_such_remote
from backend.output import render

_FIELDS = tuple(field.name for field in fields(Step))


@click.command("check", cls=Command, hidden=True)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@with_format_option
@with_places_options
def check_command(places: Places, names: tuple[str, ...], format_: str) -> None:
    """What `remotes --check` does."""
    config = places.load()
    for name in names:
        if name not in config.remotes:
            raise click.ClickException(no_such_remote(name, config.remotes))
    # in the order of `remotes` without --check
    remotes = [config.remotes[name] for name in sorted(set(names or config.remotes))]
    if not remotes:
        raise click.ClickException(
            f"{config.path} names no remotes; add one with `{places.call('remotes add NAME')}`"
        )
    checked = asyncio.run(_check(config, remotes, print_each=format_ == "table"))
    if format_ != "table":
        steps = [step for _, steps in checked for step in steps]
        for piece in render(steps, format_, (), _FIELDS, asdict):
            click.echo(piece, nl=False)
    failed = [remote.name for remote, steps in checked if any(step.result == "failed" for step in steps)]
    if failed:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        click.get_current_context().exit(1)


async def _check(
    config: Config, remotes: list[RemoteConfig], *, print_each: bool
) -> list[tuple[RemoteConfig, list[Step]]]:
    """The steps of each remote, all asked at the same time as far as the settings allow; each is printed, if that
    is wanted, as soon as those before it are."""
    slots = asyncio.Semaphore(config.settings.max_connections)
    progress = Progress()
    done = 0

    def so_far() -> str:
        return f"checking: {done} of {len(remotes)} done"

    async def check(remote: RemoteConfig) -> list[Step]:
        async with slots:
            steps = await check_remote(remote)
        nonlocal done
        done += 1
        progress.show(so_far())
        return steps

    checked = []
    try:
        async with asyncio.TaskGroup() as group:
            progress.show(so_far())
            checks = [(remote, group.create_task(check(remote))) for remote in remotes]
            for remote, steps in checks:
                checked.append((remote, await steps))
                if print_each:
                    progress.hide()
                    click.echo(f"{click.style(remote.name, bold=True)} ({remote.type})")
                    for line in tell_steps(steps.result()):
                        click.echo(fold(line, terminal_width(sys.stdout)))
                    progress.show(so_far())
            progress.hide()
    except* BrokenPipeError as broken:
        # Who read the output has closed it, as `head` does: click knows what to do with that.
        raise broken.exceptions[0] from None
    return checked
