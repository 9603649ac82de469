"""The configuration: settings and remotes, from a TOML file and from PDM's remotes.cfg.
Live reload is in `backend.config.watch`, for those who need it."""

from backend.config.model import (
    Config,
    ConfigError,
    Endpoint,
    KeyWish,
    RemoteConfig,
    Secret,
    Settings,
    no_such_remote,
)
from backend.config.places import default_cache_dir, default_config_path
from backend.config.toml import load_config

__all__ = [
    "Config",
    "ConfigError",
    "Endpoint",
    "KeyWish",
    "RemoteConfig",
    "Secret",
    "Settings",
    "default_cache_dir",
    "default_config_path",
    "load_config",
    "no_such_remote",
]
