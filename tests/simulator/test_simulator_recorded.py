"""The simulated PVE API beside a real one: its recorded answers, request by request."""

import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from backend.simulator import Simulator, SimulatorOptions, Token

RECORDED = Path(__file__).parents[2].parent / "shared" / "fixtures" / "pve-tasks.jsonl"
NOW = 1_795_486_070

# recorded UPIDs of a running task and of one that failed
RUNNING = "UPID:pve1:00003BF8:000294A7:6B04F139:vzdump::root@pam!tok:"
FAILED = "UPID:pve1:00003629:0001FF1D:6B04EF95:vzdump:101:root@pam:"

# what differs by time and length, or, as to the connection and its contents, is tested by itself
IGNORED_HEADERS = {"date", "expires", "content-length", "content-encoding", "transfer-encoding"}


def exchanges() -> list[Any]:
    if not RECORDED.exists():
        return []
    lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    return [
        pytest.param(exchange, id=f"{number}-{exchange['method']}-{exchange['path'][:40]}")
        for number, exchange in enumerate(lines)
    ]


def shape(value: Any) -> Any:
    """What a JSON value is made of: names and types; of a list, the shapes of what is in it."""
    if isinstance(value, dict):
        return frozenset((key, shape(one)) for key, one in value.items())
    if isinstance(value, list):
        return frozenset(map(shape, value))
    return type(value).__name__


def rows(exchange: dict[str, Any]) -> Any:
    return json.loads(exchange["body"])["data"]


def all_shapes(path: str) -> set[Any]:
    """Every shape of a row that the real server ever gave on that path."""
    found = set()
    for parameter in exchanges():
        exchange = parameter.values[0]
        if exchange["status"] == 200 and exchange["path"].partition("?")[0] == path:
            found |= set(shape(rows(exchange)))
    return found


def mapped(path: str, running: str, failed: str) -> str:
    return path.replace(quote(RUNNING, safe=""), quote(running, safe="")).replace(
        quote(FAILED, safe=""), quote(failed, safe="")
    )


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded exchanges are not here")
@pytest.mark.parametrize("exchange", exchanges())
async def test_answers_like_the_real_server(exchange: dict[str, Any]) -> None:
    now = [float(NOW)]
    options = SimulatorOptions(remotes=1, nodes=3, auth_delay=0.0)
    async with Simulator(options, clock=lambda: now[0]) as simulator:
        remote = simulator.remotes["wien"]
        failed = simulator.start_task("wien", "pve1", "vzdump", "101", duration=2, status="Gerät kaputt")
        simulator.start_task("wien", "pve1", "vzdump", user="mon@pve!own", duration=1, status="job errors")
        now[0] += 3
        # two of them: the server of the record left a task running that was stopped
        running, _ = (
            simulator.start_task("wien", "pve1", "vzdump", user="root@pam!tok", duration=999) for _ in range(2)
        )
        simulator.set_offline("wien", "pve2")
        wrong = Token(remote.token.id, "wrong", frozenset())
        tokens = {"ro": remote.read_only, "root": remote.token, "low": remote.low, "bad": wrong}
        token = tokens.get(exchange["auth"] or "")
        headers = {} if token is None else {"Authorization": f"PVEAPIToken={token.id}={token.secret}"}

        trusted = ssl.create_default_context(cadata=remote.certificate.pem)
        async with httpx.AsyncClient(verify=trusted, headers=headers) as client:
            path = mapped(exchange["path"], running, failed)
            answer = await client.request(exchange["method"], f"https://127.0.0.1:{remote.port}/api2/json{path}")

    assert answer.status_code == exchange["status"]
    assert answer.reason_phrase == exchange["reason"]
    recorded_headers = {name: text for name, text in exchange["headers"].items() if name not in IGNORED_HEADERS}
    answered_headers = {name: text for name, text in answer.headers.items() if name not in IGNORED_HEADERS}
    assert answered_headers == recorded_headers
    large = len(answer.content) > 1_024
    assert answer.headers.get("content-encoding") == ("gzip" if large else None)

    if not exchange["body"]:
        assert answer.content == b""
        return
    recorded, answered = json.loads(exchange["body"]), answer.json()
    assert answered.keys() == recorded.keys()
    if exchange["status"] >= 400:
        assert answered == recorded
        return
    check_data(exchange, recorded["data"], answered["data"])


def check_data(exchange: dict[str, Any], recorded: Any, answered: Any) -> None:
    path = exchange["path"].partition("?")[0]
    if path == "/nodes":
        # the recorded cluster had no certificates of its own yet
        answered = [{key: text for key, text in row.items() if key != "ssl_fingerprint"} for row in answered]
    if path in ("/nodes/pve1/tasks", "/cluster/tasks"):
        assert bool(answered) == bool(recorded)
        known = all_shapes(path)
        if path == "/cluster/tasks":
            # the recorded cluster ran nothing at that moment; such rows lack what says how they ended
            answered = [row for row in answered if "endtime" in row]
        assert set(shape(answered)) <= known
    else:
        assert shape(answered) == shape(recorded)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded exchanges are not here")
async def test_a_missing_or_wrong_token_takes_as_long_as_on_the_real_server() -> None:
    recorded = [parameter.values[0] for parameter in exchanges() if parameter.values[0]["status"] == 401]

    assert all(
        exchange["seconds"] == pytest.approx(SimulatorOptions().auth_delay, abs=0.1) for exchange in recorded
    )
