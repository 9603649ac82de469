"""`remotes` run as scripts and as people at a terminal do, a cluster for it to look at, and options to add one."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
from click.testing import CliRunner, Result

from backend.cli import make_command
from backend.simulator.fleet import SimulatedRemote
from tests.background import SECONDS
from tests.client.server import ApiServer, Reply, Request, data, make_identity


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Run the command line without a terminal."""
    command = make_command(lambda _: None, lambda: None)
    return CliRunner().invoke(command, ["remotes", *arguments], prog_name="remote-tasks", env=env)


class Terminal:
    """The command in a pseudo-terminal."""

    def __init__(self, *arguments: str) -> None:
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "tui", "remotes", *arguments],
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(50, 150),
            env=os.environ | {"PYTHONWARNINGS": "error"},
        )
        self.shown = ""

    def answer(self, question: str, *answers: str) -> None:
        """Wait for a question, and type the answers, each a line."""
        self._child.expect_exact(question)
        self.shown += self._child.before + question
        for answer in answers:
            self._child.sendline(answer)

    def interrupt(self, question: str) -> None:
        """Wait for a question, and press Ctrl-C."""
        self.answer(question)
        self._child.sendintr()

    def end(self) -> int:
        """Wait for the end; the exit status."""
        self._child.expect(pexpect.EOF)
        self.shown += self._child.before
        self._child.close()
        status: int = self._child.exitstatus
        return status


def cluster(nodes: list[dict[str, str]] | None = None) -> Callable[[Request], Reply]:
    """A cluster of three whose second node answers where the first does, by its address; or of these nodes."""
    told = [{"node": "pve2", "ssl_fingerprint": make_identity().fingerprint}]
    answers = {
        "/version": data({"version": "9.2.1"}),
        "/access/permissions": data({"/": {"Sys.Audit": 1}}),
        "/nodes": data(nodes or told),
        "/cluster/status": data(
            [
                {"type": "node", "name": "pve1", "local": 1},
                {"type": "node", "name": "pve2", "ip": "127.0.0.1"},
                {"type": "node", "name": "pve3"},
            ]
        ),
    }
    return lambda request: answers[request.path]


def first_node(server: ApiServer, path: Path) -> list[str]:
    """The options that add the first node of such a cluster."""
    return [
        *("--config", str(path), "--type", "pve", "--host", f"localhost:{server.port}"),
        *("--fingerprint", server.identity.fingerprint, "--token-id", "a@pve!b", "--token-secret-env", "S"),
    ]


def given(remote: SimulatedRemote, path: Path, secret: Path | None = None) -> list[str]:
    """All options that add a remote without a question."""
    if secret is None:
        secret = path.parent.parent / "secret"
        secret.touch(mode=0o600)
        secret.write_text(remote.token.secret)
    return [
        *("--config", str(path)),
        *("--type", remote.type),
        *("--host", f"127.0.0.1:{remote.port}"),
        *("--fingerprint", remote.fingerprint),
        *("--token-id", remote.token.id),
        *("--token-secret-file", str(secret)),
    ]
