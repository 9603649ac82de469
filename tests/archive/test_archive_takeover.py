"""Taking over another cache's history: all of it, once, however often and however far it got before."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from backend.archive import Batch, CacheWriter, Takeover, TaskCache, take_over
from backend.archive.files import DAY
from backend.archive.lines import encode_all
from backend.cli import make_command
from tests.archive.model import NOW, TODAY, Clock, assert_lists, finished, running, spread
from tests.archive.test_archive_layouts import in_order, put

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures"
PDM_NOW = 1_795_392_000 + 80_000


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def take(source: Path, directory: Path, *, now: float = NOW, keep_days: int = 7) -> Takeover:
    with CacheWriter(directory, keep_days=keep_days, clock=Clock(now)) as writer:
        return take_over(TaskCache(source), writer)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A cache of six days by other hands: a plain file, one of one frame, untyped UPIDs, and a journal."""
    source = tmp_path / "theirs"
    source.mkdir()
    put(source, f"archive.{TODAY - DAY}", in_order(spread(600, first=TODAY - DAY, last=NOW - 10)))
    put(source, f"archive.{TODAY - 5 * DAY}.zst", in_order(spread(900, first=TODAY - 5 * DAY, last=TODAY - DAY)))
    untyped = [encode_all([task]).replace(b'"pve:', b'"') for task in spread(5, first=TODAY, last=NOW, base=9_000)]
    (source / "journal").write_bytes(b"".join(untyped))
    (source / "active").write_bytes(encode_all([running(70_000, NOW - 5)]))
    return source


def test_all_that_pdm_lists_is_taken_over_in_order_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    if not FIXTURES.is_dir():
        pytest.skip("the recorded fixtures are not here")
    done = take(FIXTURES / "pdm-cache", tmp_path, now=PDM_NOW)
    rows = map(orjson.loads, (FIXTURES / "pdm-cache.jsonl").read_bytes().splitlines())
    listed = {row["upid"]: row for row in rows if row.get("endtime") is not None}
    with TaskCache(tmp_path).snapshot() as snapshot:
        tasks = list(snapshot.iterate())
        assert snapshot.running() == []
    assert {task.upid for task in tasks} == set(listed)
    assert all(
        (listed[task.upid]["status"], listed[task.upid]["endtime"]) == (task.status, task.endtime)
        for task in tasks
    )
    assert tasks == in_order(tasks)
    assert (done.read, done.new, done.too_old, done.damage) == (len(tasks), len(tasks), 0, ())
    before = contents(tmp_path)
    again = take(FIXTURES / "pdm-cache", tmp_path, now=PDM_NOW)
    assert (again.read, again.new) == (len(tasks), 0)
    assert contents(tmp_path) == before


def test_what_is_here_stays_and_what_is_not_comes_between(tmp_path: Path, theirs: Path) -> None:
    own = [*spread(700, base=20_000), running(20_900, NOW - 3)]
    with CacheWriter(tmp_path / "ours", clock=Clock()) as writer:
        writer.store(Batch(own))
        before = dict(writer.running)
        done = take_over(TaskCache(theirs), writer)
        assert writer.running == before
    with TaskCache(theirs).snapshot() as snapshot:
        added = list(snapshot.iterate())
    assert done.new == done.read == len(added)
    with TaskCache(tmp_path / "ours").snapshot() as snapshot:
        assert_lists(snapshot, in_order([*own[:-1], *added]), ["", "status:error"])


def test_the_later_form_of_a_task_holds_whoever_has_it(tmp_path: Path) -> None:
    early, late = finished(1, NOW - 500, end=NOW - 400), finished(1, NOW - 500, end=NOW - 300, status="no way")
    other = finished(2, NOW - 600)
    for number, (here, there) in enumerate([(early, late), (late, early)]):
        source, ours = tmp_path / f"source{number}", tmp_path / f"ours{number}"
        for directory, task in ((source, there), (ours, here)):
            with CacheWriter(directory, clock=Clock()) as writer:
                writer.store(Batch([task, other]))
        assert take(source, ours).new == (1 if there == late else 0)
        with TaskCache(ours).snapshot() as snapshot:
            assert list(snapshot.iterate()) == [late, other]


def test_one_that_breaks_off_keeps_what_it_has_and_the_next_goes_on(
    tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.archive.takeover._BATCH", 100)
    seen = 0

    def interrupt(read: int) -> None:
        nonlocal seen
        seen += read
        if seen >= 400:
            raise KeyboardInterrupt

    with CacheWriter(tmp_path / "ours", clock=Clock()) as writer, pytest.raises(KeyboardInterrupt):
        take_over(TaskCache(theirs), writer, interrupt)
    with TaskCache(theirs).snapshot() as snapshot:
        added = list(snapshot.iterate())
    with TaskCache(tmp_path / "ours").snapshot() as snapshot:
        assert list(snapshot.iterate()) == added[:400]
    assert take(theirs, tmp_path / "ours").new == len(added) - 400
    with TaskCache(tmp_path / "ours").snapshot() as snapshot:
        assert list(snapshot.iterate()) == added


def test_what_is_older_than_the_kept_days_stays_out_and_is_counted(tmp_path: Path, theirs: Path) -> None:
    done = take(theirs, tmp_path / "ours", keep_days=2)
    assert (done.new, done.too_old) == (605, 900)
    with TaskCache(tmp_path / "ours").snapshot() as snapshot:
        assert snapshot.count() == 605


def test_journal_rows_from_before_the_oldest_file_are_taken_where_their_days_are_kept(
    tmp_path: Path, theirs: Path
) -> None:
    early = [finished(50_000 + age, TODAY - (6 + age) * DAY + 9) for age in range(2)]
    with (theirs / "journal").open("ab") as journal:
        journal.write(encode_all(early))
    done = take(theirs, tmp_path / "ours", keep_days=7)
    assert (done.new, done.too_old) == (1_506, 1)
    with TaskCache(tmp_path / "ours").snapshot() as snapshot:
        assert snapshot.find(early[0].key) == early[0]


def test_of_a_damaged_cache_the_rest_is_taken_and_the_damage_told(tmp_path: Path, theirs: Path) -> None:
    plain = theirs / f"archive.{TODAY - DAY}"
    lines = plain.read_bytes().splitlines(keepends=True)
    lines[7] = b"\x00nonsense\n"
    plain.write_bytes(b"".join(lines))
    done = take(theirs, tmp_path / "ours")
    assert done.new == 1_504
    assert len(done.damage) == 1 and "unreadable line" in done.damage[0]


def run(*arguments: str) -> Result:
    command = make_command(lambda places: None, lambda: None)
    return CliRunner().invoke(command, arguments, prog_name="remote-tasks")


def test_the_command_tells_what_it_took_and_that_nothing_is_new_the_second_time(
    tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", Clock())
    ours = str(tmp_path / "ours")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    first = run("import", str(theirs), "--cache-dir", ours)
    assert first.exit_code == 0 and "1,505 tasks read, 1,505 of them new" in first.stderr
    assert "0 of them new" in run("import", str(theirs), "--cache-dir", ours).stderr


def test_the_command_says_why_it_cannot(tmp_path: Path, theirs: Path) -> None:
    ours = tmp_path / "ours"
    (tmp_path / "empty").mkdir()
    with CacheWriter(ours, clock=Clock()):
        busy = run("import", str(theirs), "--cache-dir", str(ours))
    assert busy.exit_code == 1 and "stop that daemon" in busy.stderr
    none = run("import", str(tmp_path / "empty"), "--cache-dir", str(ours))
    assert none.exit_code == 1 and "no remote task cache" in none.stderr
    itself = run("import", str(ours), "--cache-dir", str(ours))
    assert itself.exit_code == 1 and "this cache itself" in itself.stderr
    assert run("import", str(tmp_path / "nowhere"), "--cache-dir", str(ours)).exit_code == 2
    broken = tmp_path / "broken.toml"
    broken.write_text("[settings")
    assert run("import", str(theirs), "--cache-dir", str(ours), "--config", str(broken)).exit_code == 1
