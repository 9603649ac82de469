"""The index beside an archive file: derived, so that whatever becomes of it changes no answer."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.archive import Batch, CacheWriter, TaskCache
from backend.archive.archive_file import ArchiveFile
from tests.archive.model import FEWER, TODAY, Clock, assert_lists, spread

TASKS = sorted(spread(1_100, first=TODAY), key=lambda task: task.key)
FILTERS = ["", "status:error", "type:vzdump remote:wien", "a1", "backup e"]
INDEX = f"archive.{TODAY}.idx"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a cache of TASKS."""
    directory = tmp_path_factory.mktemp("whole")
    with CacheWriter(directory, clock=Clock()) as writer:
        writer.store(Batch(TASKS))
        writer.housekeep(merge_now=True)
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def lay(directory: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (directory / name).write_bytes(content)


def has_index(directory: Path) -> bool:
    file = ArchiveFile(directory / f"archive.{TODAY}.zst", TODAY, checked=True)
    try:
        return file.has_sound_index()
    finally:
        file.release()


@FEWER
@given(st.data())
def test_an_index_flipped_or_cut_anywhere_changes_no_answer_and_is_made_anew(
    whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("damaged")
    index = bytearray(whole[INDEX])
    position = data.draw(st.integers(0, len(index) - 1), "position")
    if data.draw(st.booleans(), "cut"):
        del index[position:]
    else:
        index[position] ^= data.draw(st.integers(1, 255), "flip")
    lay(directory, whole | {INDEX: bytes(index)})
    with TaskCache(directory).snapshot() as snapshot:
        assert_lists(snapshot, TASKS, FILTERS)
    with CacheWriter(directory, clock=Clock()) as writer:
        writer.housekeep()
        assert has_index(directory)


def test_without_its_index_a_file_is_answered_from_and_gets_it_back(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    lay(tmp_path, {name: content for name, content in whole.items() if name != INDEX})
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, TASKS, FILTERS)
    assert not has_index(tmp_path)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.housekeep()
    assert (tmp_path / INDEX).read_bytes() == whole[INDEX]


def test_the_index_of_another_file_is_not_believed(whole: dict[str, bytes], tmp_path: Path) -> None:
    other = tmp_path / "other"
    with CacheWriter(other, clock=Clock()) as writer:
        writer.store(Batch(TASKS[:700]))
        writer.housekeep(merge_now=True)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    lay(mixed, whole | {INDEX: (other / INDEX).read_bytes()})
    with TaskCache(mixed).snapshot() as snapshot:
        assert_lists(snapshot, TASKS, FILTERS)


def test_a_page_needs_no_numpy(whole: dict[str, bytes], tmp_path: Path) -> None:
    lay(tmp_path, whole)
    program = (
        "import sys; from backend.archive import TaskCache\n"
        "with TaskCache(sys.argv[1]).snapshot() as tasks: print(len(tasks.page()), len(tasks.running()))\n"
        "print('numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["500", "0", "False"]
