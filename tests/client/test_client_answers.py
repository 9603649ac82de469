"""What the client makes of task lists, logs and permissions, and of answers that no API would give."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.client import (
    AnswerError,
    ApiError,
    LogLine,
    NotFoundError,
    Page,
    PermissionDeniedError,
    Permissions,
    RemoteClient,
    open_client,
)
from backend.client.answers import decode_json
from backend.client.permissions import read_permissions
from backend.client.rows import RowReader, read_row
from backend.task import MAX_STATUS, Task
from backend.upid import RemoteType
from tests.client.server import Handler, Reply, Request, data, serve

PVE_UPID = "UPID:pve1:00003628:0001FF1D:6B04EF94:vzdump:101:root@pam:"
PBS_UPID = "UPID:pbs:000002B2:00000158:0000001F:674D828C:backup:store1\\x3avm-100:root@pam!pve:"
START = 0x6B04EF94
RUNNING = Task(f"pve:wien!{PVE_UPID}", START)
FINISHED = Task(f"pve:wien!{PVE_UPID}", START, START + 5, "OK")


def read_rows(rows: list[Any]) -> Page:
    """The tasks of a cluster's list, read in pieces of three."""
    reader = RowReader("pve", "wien")
    for first in range(0, len(rows), 3):
        reader.read(rows[first : first + 3])
    return reader.page()


Question = Callable[[RemoteClient], Awaitable[Any]]


async def ask(handler: Handler, question: Question, type: RemoteType = "pve") -> Any:
    """The answer to one question to a server that answers so."""
    async with serve(handler) as server, open_client(server.remote(type)) as client:
        return await question(client)


async def all_tasks(client: RemoteClient) -> list[Task]:
    return [task async for page in client.tasks("pve1") for task in page.tasks]


async def read_log(upid: str, start: int, client: RemoteClient) -> list[LogLine]:
    return await client.log(upid, start=start, limit=3)


class TestRows:
    @pytest.mark.parametrize(
        ("row", "task"),
        [
            ({"status": "RUNNING"}, RUNNING),
            ({}, RUNNING),
            ({"status": None, "endtime": None}, RUNNING),
            ({"status": "OK", "endtime": START + 5}, FINISHED),
            ({"status": "OK", "endtime": str(START + 5)}, FINISHED),
            ({"status": "OK"}, Task(FINISHED.upid, START, START, "OK")),
            ({"status": "OK", "endtime": 10**30}, Task(FINISHED.upid, START, START, "OK")),
            ({"status": "OK", "endtime": -5}, Task(FINISHED.upid, START, START, "OK")),
            ({"status": "OK", "endtime": True}, Task(FINISHED.upid, START, START, "OK")),
            ({"endtime": START + 5}, Task(FINISHED.upid, START, START + 5, "unknown")),
            ({"status": 7, "endtime": START + 5}, Task(FINISHED.upid, START, START + 5, "unknown")),
            ({"status": "", "endtime": START + 5}, Task(FINISHED.upid, START, START + 5, "unknown")),
            ({"status": "GerÃ¤t", "endtime": START + 5}, Task(FINISHED.upid, START, START + 5, "Gerät")),
        ],
    )
    def test_a_row_becomes_the_task_it_tells_of(self, row: dict[str, Any], task: Task) -> None:
        assert read_row({"upid": PVE_UPID, **row}, "pve", "wien") == task

    def test_pbs_texts_are_kept_as_they_are(self) -> None:
        task = read_row({"upid": PBS_UPID, "status": "GerÃ¤t", "endtime": 0x674D828C}, "pbs", "wien")
        assert task is not None
        assert task.status == "GerÃ¤t"
        assert task.worker_id == "store1:vm/100"

    @pytest.mark.parametrize(
        "upid", [None, 5, [], {}, "", "UPID:", PBS_UPID, PVE_UPID + "x", PVE_UPID.replace("101", "1" * 2000)]
    )
    def test_a_row_without_a_upid_that_parses_is_counted_and_dropped(self, upid: Any) -> None:
        page = read_rows([{"upid": upid}, {"upid": PVE_UPID}, 5, None, [], "text", {}])
        assert page.tasks == [RUNNING]
        assert (page.rows, page.rejected) == (7, 6)

    def test_of_a_task_that_stands_twice_the_finished_row_holds(self) -> None:
        rows = [{"upid": PVE_UPID, "status": "RUNNING"}, {"upid": PVE_UPID, "status": "OK", "endtime": START + 5}]
        assert read_rows(rows).tasks == [FINISHED]
        assert read_rows(rows[::-1]).tasks == [FINISHED]

    def test_a_status_is_cut_to_a_bound(self) -> None:
        task = read_row({"upid": PVE_UPID, "status": "Ã¤" * 10**6, "endtime": START}, "pve", "wien")
        assert task is not None
        assert task.status == "ä" * MAX_STATUS

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["upid", "status", "endtime"]) | st.text(), inner)
            ),
        )
    )
    def test_no_row_whatever_is_fatal(self, row: Any) -> None:
        read_row(row, "pve", "wien")
        read_row({"upid": PVE_UPID, "status": row, "endtime": row}, "pve", "wien")


class TestHostileAnswers:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"   ",
            b"null",
            b"[]",
            b"5",
            b'"data"',
            b"{}",
            b'{"data":',
            b'{"data":[{"upid":',
            b"[" * 100_000,
            b'{"data":' + b"[" * 100_000,
            b'{"data":"\\ud800",' + b'"a":[' * 100_000,
            b"<html><h1>It works!</h1></html>",
            b"\x00\xff\xfe",
            b'{"data":NaN}',
            b'{"data":null}',
            b'{"data":{}}',
            b'{"data":"text"}',
            b'{"data":1e999}',
            b'{"data":' + b"9" * 10_000 + b"}",
        ],
    )
    async def test_an_answer_of_another_form_is_an_error_in_words(self, body: bytes) -> None:
        questions: list[Question] = [all_tasks, lambda client: client.nodes(), lambda client: client.current()]
        questions += [lambda client: client.log(RUNNING.upid), lambda client: client.status(RUNNING.upid)]
        questions += [lambda client: client.version()]
        async with serve(lambda _: Reply(body)) as server, open_client(server.remote()) as client:
            for question in questions:
                with pytest.raises(AnswerError) as caught:
                    await question(client)
                assert str(caught.value).startswith("wien: the remote sent ")
                assert str(caught.value).isprintable()

    async def test_control_characters_of_a_refusal_do_not_reach_the_error(self) -> None:
        reply = Reply(b'{"message":"\\u001b[31mred\\u0007\\u202e\\n\\nand long ' + b"x" * 5000 + b'"}', 500, "No")
        with pytest.raises(ApiError) as caught:
            await ask(lambda _: reply, lambda client: client.version())
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 700
        assert "␛[31mred␇� and long" in str(caught.value)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
    def test_decoding_fails_in_one_way_only(self, text: bytes) -> None:
        for body in (text, b'{"data":"' + text + b'"}', b'{"data":["\\ud800' + text):
            try:
                value = decode_json(body)
            except ValueError:
                continue
            assert str(value).encode()

    def test_a_lone_surrogate_spoils_neither_its_own_text_nor_the_others(self) -> None:
        assert decode_json(b'{"data":["a\\ud83db","\\ud83d\\ude00","\\\\ud83d"]}') == {
            "data": ["a�b", "😀", "\\ud83d"]
        }

    def test_bytes_that_are_no_utf8_are_replaced(self) -> None:
        assert decode_json(b'{"data":"Ger\xe4t"}') == {"data": "Ger�t"}

    async def test_a_node_whose_name_could_change_the_path_is_left_out(self) -> None:
        rows = [{"node": name} for name in ("pve1", "..", "a/b", "", "-x", "p%2e", "ü", 5, None, "x" * 300)]
        nodes = await ask(lambda _: data(rows), lambda client: client.nodes())
        assert [node.name for node in nodes] == ["pve1"]

    @pytest.mark.parametrize("row", [{}, {"n": "1", "t": "x"}, {"n": 1}, {"n": 1, "t": 5}, 5, None])
    async def test_a_log_line_of_another_form_is_an_error(self, row: Any) -> None:
        with pytest.raises(AnswerError):
            await ask(lambda _: data([row]), lambda client: client.log(RUNNING.upid))

    async def test_a_list_of_more_nodes_than_a_cluster_can_have_is_refused(self) -> None:
        rows = [{"node": f"pve{number}", "status": "online"} for number in range(201)]
        assert len(await ask(lambda _: data(rows[:200]), lambda client: client.nodes())) == 200
        with pytest.raises(AnswerError, match="a list of 201 nodes"):
            await ask(lambda _: data(rows), lambda client: client.nodes())

    async def test_a_list_of_nodes_with_a_row_that_is_none_tells_of_no_node_that_it_has_left(self) -> None:
        rows = [{"node": "pve1", "status": "online"}, None]
        with pytest.raises(AnswerError):
            await ask(lambda _: data(rows), lambda client: client.nodes())


class TestOneTask:
    @pytest.mark.parametrize("name", ["pve:graz!" + PVE_UPID, "pbs:wien!" + PBS_UPID, "wien!" + PVE_UPID[:-1]])
    async def test_a_task_of_another_remote_is_the_callers_mistake(self, name: str) -> None:
        for question in (
            lambda client: client.find(name),
            lambda client: client.log(name),
            lambda client: client.stop(name),
        ):
            with pytest.raises(ValueError):
                await ask(lambda _: data([]), question)

    async def test_a_upid_is_escaped_whole_in_the_path(self) -> None:
        def handle(request: Request) -> Reply:
            assert request.target == (
                "/api2/json/nodes/localhost/tasks/UPID%3Apbs%3A000002B2%3A00000158%3A0000001F%3A674D828C%3Abackup%3A"
                "store1%5Cx3avm-100%3Aroot%40pam%21pve%3A/status"
            )
            return data({"status": "stopped", "exitstatus": "OK"})

        state = await ask(handle, lambda client: client.status(f"pbs:wien!{PBS_UPID}"), "pbs")
        assert state.exitstatus == "OK"

    async def test_it_is_looked_for_by_its_start_time(self) -> None:
        def handle(request: Request) -> Reply:
            assert request.query == {
                "start": "0",
                "limit": "1500",
                "source": "all",
                "since": str(START),
                "until": str(START),
            }
            return data([{"upid": PVE_UPID, "status": "OK", "endtime": START + 5}])

        assert await ask(handle, lambda client: client.find(FINISHED.upid)) == FINISHED

    @pytest.mark.parametrize(
        ("state", "task"),
        [
            ({"status": "running"}, RUNNING),
            ({"status": "stopped", "exitstatus": "OK"}, Task(RUNNING.upid, START, START, "OK")),
            ({"status": "stopped"}, None),
        ],
    )
    async def test_out_of_the_list_its_state_tells(self, state: dict[str, str], task: Task | None) -> None:
        def handle(request: Request) -> Reply:
            return data(state if request.path.endswith("/status") else [])

        assert await ask(handle, lambda client: client.find(RUNNING.upid)) == task

    async def test_a_row_that_is_none_may_be_it_so_that_its_end_is_not_guessed(self) -> None:
        other = PVE_UPID.replace("root@pam", "other@pam")

        def handle(request: Request) -> Reply:
            if request.path.endswith("/status"):
                return data({"status": "stopped", "exitstatus": "OK"})
            return data([{"upid": other, "status": "OK", "endtime": START + 5}, None])

        with pytest.raises(AnswerError, match="a task list with 1 rows that are no tasks"):
            await ask(handle, lambda client: client.find(FINISHED.upid))
        guessed = await ask(handle, lambda client: client.find(FINISHED.upid, pass_over=True))
        assert guessed == Task(FINISHED.upid, START, START, "OK")

    async def test_a_pbs_host_that_calls_it_unknown_does_not_know_it(self) -> None:
        def handle(request: Request) -> Reply:
            return data({"status": "stopped", "exitstatus": "unknown"} if request.path.endswith("/status") else [])

        assert await ask(handle, lambda client: client.find(f"pbs:wien!{PBS_UPID}"), "pbs") is None


class TestLogs:
    async def test_both_products_count_lines_alike(self) -> None:
        lines = [{"n": number, "t": f"line {number}"} for number in range(1, 8)]

        def pve(request: Request) -> Reply:
            start, limit = int(request.query["start"]), int(request.query["limit"])
            return data(lines[start : start + limit])

        def pbs(request: Request) -> Reply:
            start, limit = int(request.query["start"]), int(request.query["limit"])
            return data([line for line in lines if int(str(line["n"])) >= start][:limit])

        for start in (0, 1, 5, 7):
            expected = [LogLine(number, f"line {number}") for number in range(1, 8)][start : start + 3]
            assert await ask(pve, partial(read_log, FINISHED.upid, start)) == expected
            assert await ask(pbs, partial(read_log, f"pbs:wien!{PBS_UPID}", start), "pbs") == expected

    async def test_a_log_without_content_is_empty(self) -> None:
        reply = data([{"n": 1, "t": "no content"}], total=1)
        assert await ask(lambda _: reply, lambda client: client.log(RUNNING.upid)) == []

    async def test_a_log_that_is_gone_is_an_error_for_both(self) -> None:
        with pytest.raises(NotFoundError):
            await ask(
                lambda _: Reply(b"No such file or directory (os error 2)", 400, "Bad Request"),
                lambda client: client.log(f"pbs:wien!{PBS_UPID}"),
                "pbs",
            )


class TestPbs:
    async def test_what_runs_now_is_asked_for_without_a_limit(self) -> None:
        def handle(request: Request) -> Reply:
            assert request.path == "/nodes/localhost/tasks"
            assert request.query == {"running": "1", "limit": "0"}
            return data([{"upid": PBS_UPID, "worker_type": "backup", "user": "root@pam!pve"}, {"upid": "junk"}])

        current = await ask(handle, lambda client: client.current(), "pbs")
        assert [task.upid for task in current.running] == [f"pbs:wien!{PBS_UPID}"]
        assert (current.finished, current.truncated, current.rejected) == ([], frozenset(), 1)

    async def test_version_and_node(self) -> None:
        reply = data({"version": "3.2", "release": "7", "repoid": "deadbeef"})
        assert await ask(lambda _: reply, lambda client: client.version(), "pbs") == "3.2.7"
        (node,) = await ask(lambda _: reply, lambda client: client.nodes(), "pbs")
        assert (node.name, node.online) == ("localhost", True)

    async def test_a_refusal_is_told_in_the_bodys_words(self) -> None:
        with pytest.raises(PermissionDeniedError, match="permission check failed"):
            await ask(
                lambda _: Reply(b"permission check failed - missing Sys.Audit", 403, "Forbidden"),
                lambda client: client.permissions(),
                "pbs",
            )


class TestCurrentOfPve:
    async def test_a_node_at_the_limit_is_named(self) -> None:
        def rows(node: str, size: int) -> list[dict[str, Any]]:
            upid = f"UPID:{node}:00003628:0001FF1D:6B04EF94:vzdump:101:root@pam:"
            return [{"upid": upid, "node": node, "status": "x" * size, "endtime": START}]

        answer = data([*rows("pve1", 31_000), *rows("pve2", 900), {"upid": PVE_UPID, "node": ["pve3"]}])
        current = await ask(lambda _: answer, lambda client: client.current())
        assert current.truncated == {"pve1"}
        assert len(current.finished) == 2


class TestPermissions:
    PERMISSIONS = read_permissions(
        {
            "/": {"Sys.Audit": 1, "Datastore.Audit": 0},
            "/nodes": {"Sys.Audit": 0},
            "/vms": {},
            "/access": [],
        }
    )

    @pytest.mark.parametrize(
        ("privilege", "path", "allowed"),
        [
            ("Sys.Audit", "/", True),
            ("Sys.Audit", "/system/tasks", True),
            ("Datastore.Audit", "/", True),
            ("Datastore.Audit", "/storage/local", False),
            ("Sys.Audit", "/nodes", True),
            ("Sys.Audit", "/nodes/pve1", False),
            ("Sys.Audit", "/vms/101", False),
            ("Sys.Modify", "/", False),
        ],
    )
    def test_the_nearest_entry_above_decides(self, privilege: str, path: str, allowed: bool) -> None:
        assert self.PERMISSIONS.allows(privilege, path) is allowed

    async def test_they_are_asked_of_the_remote(self) -> None:
        permissions: Permissions = await ask(
            lambda _: data({"/nodes/pve1": {"Sys.Audit": 1}}), lambda client: client.permissions()
        )
        assert permissions.allows("Sys.Audit", "/nodes/pve1")

    @pytest.mark.parametrize("wrong", [[], None, {"/": 5}])
    async def test_permissions_of_another_form_are_an_error(self, wrong: Any) -> None:
        with pytest.raises(AnswerError):
            await ask(lambda _: data(wrong), lambda client: client.permissions())
