"""What worker and readers tell each other beside the tasks: requests in the inbox, and the fleet's health."""

import os
import time
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.archive import CacheError, CacheWriter, TaskCache
from backend.archive.health import Health, NodeHealth, RemoteHealth, Round, read_health, write_health
from backend.archive.inbox import Request, put, take

times = st.none() | st.floats(0, 2**33)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
healths = st.builds(
    Health,
    pid=st.integers(0, 2**22),
    role=st.sampled_from(["daemon", "dashboard"]),
    updated=st.floats(0, 2**33),
    problem=st.none() | words,
    poll_interval=st.floats(1, 3_600),
    round=st.none() | st.builds(Round, started=st.floats(0, 2**33), finished=times, next=times),
    remotes=st.dictionaries(
        words,
        st.builds(
            RemoteHealth,
            type=st.sampled_from(["pve", "pbs"]),
            last_success=times,
            latency=times,
            error=st.none() | words,
            failing_since=times,
            notes=st.lists(words, max_size=3),
            nodes=st.dictionaries(
                words, st.builds(NodeHealth, last_success=times, error=st.none() | words, failing_since=times)
            ),
        ),
        max_size=3,
    ),
)


def test_requests_reach_the_worker_once(tmp_path: Path) -> None:
    cache = TaskCache(tmp_path)
    with CacheWriter(tmp_path) as writer:
        assert writer.take_requests() == []
        cache.request_refresh(["wien", "graz"])
        cache.request_refresh()
        requests = writer.take_requests()
        assert sorted(requests, key=lambda request: request.refresh) == [Request(()), Request(("wien", "graz"))]
        assert writer.take_requests() == []
    assert list((tmp_path / "inbox").iterdir()) == []


def test_a_request_waits_for_a_worker_that_is_not_there_yet(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    TaskCache(directory).request_refresh(["wien"])
    with CacheWriter(directory) as writer:
        assert writer.take_requests() == [Request(("wien",))]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"refresh":5}',
        b'{"refresh":"wien"}',
        b'{"refresh":[5]}',
        b'{"refresh":["../../etc"]}',
        b'{"refresh":["wien","x"]}',
        b"\xff",
    ],
)
def test_what_is_no_request_is_removed_and_asks_for_nothing(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, Request(("graz",)))
    (tmp_path / "inbox" / "bad.json").write_bytes(content)
    assert take(tmp_path) == [Request(("graz",))]
    assert list((tmp_path / "inbox").iterdir()) == []


def test_a_directory_among_the_requests_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "inbox" / "x.json").mkdir(parents=True)
    put(tmp_path, Request(("graz",)))
    assert take(tmp_path) == [Request(("graz",))]


def test_a_request_that_cannot_be_left_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("")
    with pytest.raises(CacheError, match="inbox"):
        TaskCache(tmp_path).request_refresh()
    assert take(tmp_path) == []


def test_half_written_requests_are_removed_only_when_their_writer_is_long_gone(tmp_path: Path) -> None:
    put(tmp_path, Request())
    fresh, old = (tmp_path / "inbox" / f".tmp-{name}" for name in ("fresh", "old"))
    fresh.touch()
    old.touch()
    os.utime(old, (time.time() - 3_600, time.time() - 3_600))
    with CacheWriter(tmp_path):
        assert fresh.exists()
        assert not old.exists()


@given(healths)
def test_health_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, health: Health) -> None:
    path = tmp_path_factory.getbasetemp() / "health"
    write_health(path, health)
    assert read_health(path) == health


def test_readers_see_the_health_that_the_worker_last_wrote(tmp_path: Path) -> None:
    cache = TaskCache(tmp_path)
    assert cache.health() == Health()
    broken = RemoteHealth(error="connection refused", nodes={"pve1": NodeHealth(), "pve2": NodeHealth()})
    health = Health(pid=7, role="daemon", remotes={"wien": broken, "graz": RemoteHealth()})
    with CacheWriter(tmp_path) as writer:
        writer.write_health(health)
    assert cache.health() == health
    assert cache.health().failing == {"wien": broken}
    assert cache.health().nodes == 2


def test_a_health_file_that_does_not_tell_since_when_a_node_fails_is_read(tmp_path: Path) -> None:
    node = NodeHealth(5.0, "the cluster reports this node as offline")
    write_health(tmp_path / "health", Health(remotes={"wien": RemoteHealth(nodes={"pve1": node})}))
    content = (tmp_path / "health").read_bytes()
    older = content.replace(b',"failing_since":null}', b"}", 1)
    assert len(older) < len(content)
    (tmp_path / "health").write_bytes(older)
    assert read_health(tmp_path / "health").remotes["wien"].nodes == {"pve1": node}


@given(st.data())
def test_a_damaged_health_file_is_an_empty_one_or_one_with_its_values(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged-health"
    write_health(path, data.draw(healths))
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert read_health(path) == Health()


@pytest.mark.parametrize(
    "raw",
    [[], None, {"remotes": []}, {"remotes": {"wien": 5}}, {"remotes": {"wien": {"nodes": []}}}, {"round": 5}],
)
def test_health_of_another_shape_is_an_empty_one(tmp_path: Path, raw: object) -> None:
    path = tmp_path / "health"
    path.write_bytes(orjson.dumps(raw))
    assert read_health(path) == Health()


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "health"
    write_health(path, Health(pid=7, remotes={"wien": RemoteHealth()}))
    raw = orjson.loads(path.read_bytes())
    raw["new"] = raw["remotes"]["wien"]["new"] = 1
    path.write_bytes(orjson.dumps(raw))
    assert read_health(path) == Health(pid=7, remotes={"wien": RemoteHealth()})
