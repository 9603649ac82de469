"""The configuration file with which remote-tasks watches a simulated fleet."""

from collections.abc import Iterable

from backend.simulator.fleet import SimulatedRemote

_HEADING = """\
# A simulated fleet. Fingerprints hold until it is served anew; the defaults of [settings] suit it.
"""


def config_toml(host: str, remotes: Iterable[SimulatedRemote]) -> str:
    """The file's content for remotes that listen on `host`."""
    address = f"[{host}]" if ":" in host else host
    return _HEADING + "".join(
        f"\n[remotes.{remote.name}]\n"
        f'type = "{remote.type}"\n'
        f'nodes = ["{address}:{remote.port}"]\n'
        f'fingerprint = "{remote.fingerprint}"\n'
        f'token-id = "{remote.token.id}"\n'
        f'token-secret = "{remote.token.secret}"\n'
        for remote in remotes
    )
