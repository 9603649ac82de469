"""A remote that sends the token's secret back: whatever it does with it, the secret stands in no error and in no
answer that is shown."""

import json
from urllib.parse import quote

import pytest

from backend.client import RemoteError, open_client
from backend.client.answers import read_content
from backend.client.connection import MAX_WORDS, Answer, Connection
from backend.client.masking import mask
from backend.client.members import read_members
from backend.config import Endpoint, RemoteConfig, Secret
from backend.upid import RemoteType
from tests.client.server import SECRET, Reply, Request, data, serve

UUID = "8f1e0c7a-1111-2222-3333-abcdefabcdef"
ODD = "a\\b'c\"d/%e=12345"
"""A secret with all that is written otherwise somewhere."""


def error_of(answer: Answer, secret: str = UUID) -> str:
    """What is told of an answer that cannot be taken."""
    remote = RemoteConfig("wien", "pve", (Endpoint("h", 1),), "a@pve!b", Secret(secret))
    connection = Connection(remote, timeout=1, connect_timeout=1, connections=1, limit=None)
    with pytest.raises(RemoteError) as caught:
        read_content(connection, "/version", answer)
    return str(caught.value)


def longest_start(secret: str, text: str) -> int:
    """How many characters of the secret's beginning stand in a text."""
    return next(size for size in range(len(secret), -1, -1) if secret[:size] in text)


@pytest.mark.parametrize("before", range(30, 81, 5))
def test_no_part_of_it_is_left_where_a_body_that_is_no_json_is_cut(before: int) -> None:
    told = error_of(Answer(200, "", b"x" * before + UUID.encode()))
    assert "no JSON but" in told and longest_start(UUID, told) == 0


@pytest.mark.parametrize("filling", ["x", " ", UUID])
@pytest.mark.parametrize("status", [400, 401, 403, 500, 595])
def test_no_part_of_it_is_left_where_a_refusal_is_cut(status: int, filling: str) -> None:
    for before in (MAX_WORDS - 40, MAX_WORDS - 10, 1_970, 1_999):
        body = filling * (before // len(filling)) + UUID
        assert longest_start(UUID, error_of(Answer(status, "", body.encode()))) < 4
        assert longest_start(UUID, error_of(Answer(status, body, b""))) < 4
        message = json.dumps({"message": body, "errors": {body: [body]}})
        assert longest_start(UUID, error_of(Answer(status, "", message.encode()))) < 4


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        quote(ODD),
        quote(ODD, safe=""),
        quote(ODD, safe="").replace("%2F", "%2f").replace("%3D", "%3d").replace("%5C", "%5c"),
        json.dumps(ODD),
        repr(ODD),
        repr([ODD]),
        repr(bytearray(ODD.encode())),
        repr(ODD + "'"),
    ],
)
def test_it_is_known_however_it_is_written(written: str) -> None:
    masked = mask(Secret(ODD), f"token {written} of {UUID}")
    assert "***" in masked and "12345" not in masked and masked.endswith(UUID)
    for status in (200, 400):
        assert "12345" not in error_of(Answer(status, "", f"token {written}".encode()), ODD)
        assert "12345" not in error_of(Answer(status, "", json.dumps({"errors": {"a": [ODD]}}).encode()), ODD)


@pytest.mark.parametrize("type", ["pve", "pbs"])
async def test_a_version_is_shown_without_it_and_is_safe_to_print(type: RemoteType) -> None:
    def echo(request: Request) -> Reply:
        return data({"version": f"{'9' * 30}\x1b[31m{SECRET}", "release": "1"})

    async with serve(echo) as server, open_client(server.remote(type)) as client:
        version = await client.version()
    assert version.startswith(f"{'9' * 30}␛[31m***") and longest_start(SECRET, version) <= 1
    assert len(version) <= 40


async def test_an_encoding_that_is_told_is_shown_without_it() -> None:
    secret = "ABC-" + UUID

    def echo(request: Request) -> Reply:
        return Reply(b"", headers={"content-encoding": secret})

    async with serve(echo) as server, open_client(server.remote(secret=Secret(secret))) as client:
        with pytest.raises(RemoteError) as caught:
            await client.version()
    assert "encoding not asked for (***)" in str(caught.value)


async def test_the_name_of_a_clusters_node_is_shown_without_it() -> None:
    def echo(request: Request) -> Reply:
        return data([{"type": "node", "name": "x" * 50 + SECRET, "node": "pve1"}])

    async with serve(echo) as server:
        (member,) = await read_members(server.remote(), 5)
    assert member.name == "x" * 50 + "***"
