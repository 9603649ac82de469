"""Where the configuration and the cache are unless told otherwise."""

from pathlib import Path

from platformdirs import user_cache_path, user_config_path

_NAME = "remote-tasks"


def default_config_path() -> Path:
    """The configuration file in the user's configuration directory."""
    return user_config_path(_NAME) / "config.toml"


def default_cache_dir() -> Path:
    """The cache directory in the user's cache directory."""
    return user_cache_path(_NAME)
