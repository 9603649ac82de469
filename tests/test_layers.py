"""The layers of the project: what a part may import, and that nothing below the dashboard knows of it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = [
    {"upid", "description", "text", "times", "apart"},
    {"task", "table"},
    {"query", "config", "output"},
    {"guests"},
    {"client", "archive"},
    {"workers", "simulator", "listing", "report", "counts", "remote_tasks", "unknown_names"},
    {"export"},
    {"interpreter"},
    {"daemon", "commands"},
    {"cli"},
]
"""Rooms of backend, the lowest first."""


def modules(package: str) -> list[str]:
    """The dotted names of a package's modules."""
    names = []
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def imports(path: Path) -> Iterator[str]:
    """The dotted names of all modules a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(dotted: str) -> str:
    """The room of backend that a module lives in."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


def layer(name: str) -> int:
    return next(number for number, rooms in enumerate(LAYERS) if name in rooms)


BACKEND_FILES = sorted((ROOT / "backend").rglob("*.py"))
ROOMS = {path.relative_to(ROOT / "backend").parts[0].removesuffix(".py") for path in BACKEND_FILES} - {"__init__"}


def test_every_room_has_its_layer_and_no_layer_is_without_rooms() -> None:
    assert sorted(ROOMS) == sorted(name for rooms in LAYERS for name in rooms)


@pytest.mark.parametrize("path", BACKEND_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_within_backend_go_down_the_layers_only(path: Path) -> None:
    parts = path.relative_to(ROOT / "backend").parts
    here = parts[0].removesuffix(".py")
    if here == "__init__":
        assert not list(imports(path))
        return
    for dotted in imports(path):
        if not dotted.startswith("backend."):
            continue
        there = room(dotted)
        if there != here:
            assert layer(there) < layer(here), f"{path.relative_to(ROOT)} imports {dotted}"


@pytest.mark.parametrize("path", BACKEND_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_of_backend_names_the_dashboard_or_its_libraries(path: Path) -> None:
    foreign = {dotted.split(".")[0] for dotted in imports(path)} & {"tui", "textual", "rich"}
    assert not foreign


def test_all_of_backend_can_be_imported_where_neither_the_dashboard_nor_its_libraries_are() -> None:
    names = modules("backend")
    assert {"backend.upid", "backend.archive.writer"} <= set(names)
    # httpx loads rich by itself where it finds it, so that its absence from sys.modules would prove nothing.
    script = (
        "import importlib, sys\n"
        "sys.modules.update({'tui': None, 'textual': None, 'rich': None})\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print('imported')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.returncode) == ("imported", 0), done.stderr


def test_the_dashboard_starts_without_what_its_first_rows_do_not_need() -> None:
    late = ["httpx", "numpy", "backend.archive.writer", "backend.workers", "tui.exporting", "tui.screens.task"]
    script = f"import sys, tui.start\nprint([name for name in {late!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
