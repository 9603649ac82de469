"""What all commands share: where configuration and cache are, and failures told in one line."""

import contextlib
import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from backend.archive import CacheError, TaskCache
from backend.config import Config, ConfigError, default_cache_dir, default_config_path, load_config
from backend.query import FilterError

INTERRUPTED = 130
"""The exit status after Ctrl-C, as a shell expects it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the configuration and the cache are, as far as the user said so."""

    config: Path | None = None
    cache_dir: Path | None = None

    @property
    def cache(self) -> Path:
        """The cache directory."""
        return self.cache_dir or default_cache_dir()

    @property
    def config_file(self) -> Path:
        """The configuration file, whether or not there is one."""
        return self.config or default_config_path()

    def load(self) -> Config:
        """Read the configuration. Raises ClickException with the way on if there is none."""
        path = self.config_file
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise click.ClickException(
                f"there is no configuration at {path}; make one with `remote-tasks remotes add NAME`, "
                "or look around with `remote-tasks --demo`"
            ) from None
        return load_config(path)

    def open_cache(self) -> TaskCache:
        """The cache, for reading, whether or not there is one yet."""
        return TaskCache(self.cache)

    def existing_cache(self) -> TaskCache:
        """The cache, for reading. Raises ClickException if nothing ever wrote one."""
        cache = self.open_cache()
        if not cache.exists():
            raise click.ClickException(
                f"there is no cache at {self.cache}; start `remote-tasks` or `remote-tasks --daemon` first"
            )
        return cache


class Command(click.Command):
    """A command whose failures are one clear line, whatever room they come from."""

    def invoke(self, ctx: click.Context) -> Any:
        with clear_errors():
            return super().invoke(ctx)


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Tell the errors that a user can mend in one line, as click does, instead of by a traceback."""
    try:
        yield
    except FilterError as error:
        raise click.UsageError(f"in the filter: {error}") from None
    except (CacheError, ConfigError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        # A reader that has closed standard output, as `head` does, is click's matter.
        if error.errno == errno.EPIPE:
            raise
        place = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{place}{error.strerror or error}") from None


def with_places_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options that go with every command, given before its name or behind it."""

    def with_places(config: Path | None, cache_dir: Path | None, **arguments: Any) -> None:
        outer = click.get_current_context().find_object(Places) or Places()
        function(Places(config or outer.config, cache_dir or outer.cache_dir), **arguments)

    with_places.__doc__ = function.__doc__
    path = click.Path(path_type=Path)
    option = click.option("--cache-dir", type=path, metavar="DIR", help="The cache directory.")(with_places)
    return click.option("--config", type=path, metavar="FILE", help="The configuration file.")(option)
