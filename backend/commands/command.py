"""What all commands share: where configuration and cache are, and failures told in one line."""

import contextlib
import errno
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from backend.archive import CacheError, TaskCache
from backend.config import Config, ConfigError, default_cache_dir, default_config_path, load_config
from backend.output import FORMATS
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

    def call(self, words: str) -> str:
        """How `remote-tasks` is called with these words on the same configuration and cache."""
        options = [("--config", self.config), ("--cache-dir", self.cache_dir)]
        given = "".join(f"{option} {shlex.quote(str(path))} " for option, path in options if path is not None)
        return f"remote-tasks {given}{words}".rstrip()

    def require_named_config(self) -> None:
        """Raise ClickException with the way on if a configuration was named that is not there."""
        if self.config is not None:
            self._require_config()

    def load(self) -> Config:
        """Read the configuration. Raises ClickException with the way on if there is none, or ConfigError."""
        self._require_config()
        return load_config(self.config_file)

    def open_cache(self) -> TaskCache:
        """The cache, for reading, whether or not there is one yet."""
        return TaskCache(self.cache)

    def existing_cache(self) -> TaskCache:
        """The cache, for reading. Raises ClickException with the way on if nothing ever wrote one, or if a
        configuration was named that is not there."""
        self.require_named_config()
        cache = self.open_cache()
        if not cache.exists():
            if self.cache_dir is None:
                self._require_config()
            start, headless = self.call(""), self.call("--daemon")
            raise click.ClickException(
                f"there is no cache at {_tilde(self.cache)}; start `{start}` or `{headless}` first"
            )
        return cache

    def _require_config(self) -> None:
        if not _is_there(self.config_file):
            raise click.ClickException(
                f"no configuration at {_tilde(self.config_file)}; "
                f"`{self.call('remotes add NAME')}` makes one, `remote-tasks --demo` needs none"
            )


def _is_there(path: Path) -> bool:
    """Whether there is such a file. Raises OSError if that cannot be known."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


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


def with_format_option(function: Callable[..., None]) -> Callable[..., None]:
    """The option of commands that print records, as `format_`."""
    help = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}.  [default: {FORMATS[0]}]"
    choice = click.Choice(FORMATS)
    return click.option("--format", "format_", type=choice, default=FORMATS[0], metavar="FORMAT", help=help)(
        function
    )


def with_places_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options that go with every command, given before its name or behind it."""

    def with_places(config: Path | None, cache_dir: Path | None, **arguments: Any) -> None:
        outer = click.get_current_context().find_object(Places) or Places()
        function(Places(config or outer.config, cache_dir or outer.cache_dir), **arguments)

    with_places.__doc__ = function.__doc__
    path = click.Path(path_type=Path)
    option = click.option("--cache-dir", type=path, metavar="DIR", help=CACHE_HELP)(with_places)
    return click.option("--config", type=path, metavar="FILE", help=CONFIG_HELP)(option)


def _tilde(path: Path) -> str:
    """A path with `~` for the home directory."""
    with contextlib.suppress(ValueError, RuntimeError):
        return f"~/{path.relative_to(Path.home())}"
    return str(path)


CONFIG_HELP = f"Configuration [{_tilde(default_config_path())}]"
CACHE_HELP = f"Cache directory [{_tilde(default_cache_dir())}]"
