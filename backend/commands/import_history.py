"""`remote-tasks import`: take over the history of a PDM remote task cache."""

import sys
from pathlib import Path

import click

from backend.archive import CacheBusy, CacheWriter, TaskCache, take_over
from backend.commands.command import Command, Places, with_places_options
from backend.config import Settings, default_config_path


@click.command("import", cls=Command, short_help="Take over the history of a Datacenter Manager.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@with_places_options
def import_command(places: Places, directory: Path) -> None:
    """Take over the history of a Proxmox Datacenter Manager's remote task cache.

    \b
      remote-tasks import /var/cache/proxmox-datacenter-manager/remote-tasks

    DIR is that directory on such a machine, or a copy of it. It is only read.
    Its finished tasks are added to this cache, as far back as `keep-days` in the configuration says; what is here
    already stays as it is, so a second run adds only what is new. A daemon or dashboard that works on this cache
    has to be stopped meanwhile.
    """
    source = TaskCache(directory)
    if not source.exists():
        raise click.ClickException(f"{directory} holds no remote task cache: no archive, journal or active file")
    if directory.resolve() == places.cache.resolve():
        raise click.ClickException(f"{directory} is this cache itself")
    with source.snapshot() as snapshot:
        total = snapshot.count()
    try:
        writer = CacheWriter(places.cache, keep_days=_settings(places).keep_days)
    except CacheBusy as error:
        raise click.ClickException(
            f"{error}; stop that daemon or dashboard, and start it again afterwards"
        ) from None
    with (
        writer,
        click.progressbar(length=total, label=f"importing {total:,} tasks", file=sys.stderr) as bar,
    ):
        done = take_over(source, writer, bar.update)
    click.echo(f"{done.read:,} tasks read, {done.new:,} of them new", err=True)
    if done.too_old:
        click.echo(
            f"{done.too_old:,} started before the oldest of the kept days and stay out; for more, raise keep-days",
            err=True,
        )
    for damage in done.damage:
        click.echo(f"warning: {directory}: {damage}", err=True)


def _settings(places: Places) -> Settings:
    """The configured settings; without any configuration yet, the defaults."""
    if places.config is None and not default_config_path().exists():
        return Settings()
    return places.load().settings
