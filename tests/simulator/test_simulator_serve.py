"""Serving a fleet from the command line's side: the configuration file it writes, and its end."""

import asyncio
import contextlib
import hashlib
import socket
import ssl
import tomllib
from pathlib import Path

import pytest

from backend.simulator import Simulator, SimulatorError, SimulatorOptions, serve
from backend.upid import is_remote_name


def fingerprint_at(port: int) -> str:
    """The fingerprint of the certificate that is served on that port, unchecked."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as raw, context.wrap_socket(raw) as connection:
        certificate = connection.getpeercert(binary_form=True)
        assert certificate is not None
        return hashlib.sha256(certificate).hexdigest().upper()


async def test_the_configuration_names_every_remote_with_address_fingerprint_and_token() -> None:
    async with Simulator(SimulatorOptions(remotes=6, nodes=2)) as simulator:
        configuration = tomllib.loads(simulator.config_toml())

        assert configuration.keys() == {"remotes"}
        assert list(configuration["remotes"]) == list(simulator.remotes)
        for name, section in configuration["remotes"].items():
            remote = simulator.remotes[name]
            assert is_remote_name(name)
            assert section.keys() == {"type", "nodes", "fingerprint", "token-id", "token-secret"}
            assert section["type"] == remote.type
            assert section["nodes"] == [f"127.0.0.1:{remote.port}"]
            served = await asyncio.to_thread(fingerprint_at, remote.port)
            assert section["fingerprint"].replace(":", "") == served
            assert (section["token-id"], section["token-secret"]) == (remote.token.id, remote.token.secret)


async def test_remotes_listen_on_the_ports_from_the_first_one_on() -> None:
    with contextlib.ExitStack() as stack:
        probe = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        first = probe.getsockname()[1]
    if first > 65_000:
        pytest.skip("no room above the free port")
    try:
        async with Simulator(SimulatorOptions(remotes=3, port=first)) as simulator:
            assert [remote.port for remote in simulator.remotes.values()] == [first, first + 1, first + 2]
    except SimulatorError:
        pytest.skip("another process took a port in between")


async def test_secrets_stay_out_of_what_is_printed() -> None:
    async with Simulator(SimulatorOptions(remotes=1)) as simulator:
        remote = simulator.remotes["wien"]

        assert remote.token.secret not in repr(remote)


async def test_serving_writes_the_configuration_then_calls_and_lasts_until_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    is_ready: asyncio.Future[tuple[Simulator, str]] = asyncio.get_running_loop().create_future()

    def ready(simulator: Simulator) -> None:
        is_ready.set_result((simulator, path.read_text()))

    task = asyncio.create_task(serve(SimulatorOptions(remotes=2), write_config=path, ready=ready))
    async with asyncio.timeout(10):
        simulator, written = await is_ready

    assert written == simulator.config_toml()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ConnectionRefusedError):
        fingerprint_at(simulator.remotes["wien"].port)


async def test_a_configuration_that_cannot_be_written_is_an_error_and_ends_the_fleet(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"cannot write .*missing/fleet\.toml: No such file or directory"):
        await serve(SimulatorOptions(remotes=1), write_config=tmp_path / "missing" / "fleet.toml")
