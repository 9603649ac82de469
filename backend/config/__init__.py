"""The configuration: settings and remotes, from a TOML file and from PDM's remotes.cfg."""

from backend.config.model import Config, ConfigError, Endpoint, RemoteConfig, Secret, Settings
from backend.config.places import default_cache_dir, default_config_path
from backend.config.toml import load_config

__all__ = [
    "Config",
    "ConfigError",
    "Endpoint",
    "RemoteConfig",
    "Secret",
    "Settings",
    "default_cache_dir",
    "default_config_path",
    "load_config",
]
