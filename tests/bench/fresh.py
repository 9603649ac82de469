"""The program for a new process: it opens our cache or SQLite, does one thing, and prints what that took as JSON.

python -m tests.bench.fresh page|errors|all|paging|reads cache|sqlite PATH TASKS
"""

import importlib
import sys
import time

_PAGES = 200


def memory() -> dict[str, int]:
    """The bytes of memory of this process, by the kernel's names (proc_pid_status(5)). Raises OSError where
    there is no /proc."""
    with open("/proc/self/status") as status:
        lines = [line.partition(":") for line in status]
    return {name: int(value.split()[0]) << 10 for name, _, value in lines if name in ("VmHWM", "VmRSS", "RssAnon")}


def main(what: str, store: str, path: str, tasks: int) -> None:
    """Do one thing and print what it took."""
    begun = time.perf_counter()
    importlib.import_module("backend.archive" if store == "cache" else "sqlite3")
    took: dict[str, object] = {"import": time.perf_counter() - begun}

    # Whatever is imported before would not count in that time.
    import json
    import random
    import select
    from pathlib import Path

    from tests.bench.readers import CacheReader, Reader, SqliteReader, read_on

    before = memory()
    begun = time.perf_counter()
    reader: Reader = CacheReader(Path(path), tasks) if store == "cache" else SqliteReader(Path(path))
    if what == "page":
        took["rows"] = len(reader.page(0))
    elif what == "errors":
        took["rows"] = len(reader.errors())
    elif what == "all":
        took["rows"] = sum(1 for _ in reader.iterate())
    elif what == "paging":
        draw = random.Random(6)
        for _ in range(_PAGES):
            reader.page(draw.randrange(tasks))
    elif what == "reads":
        took["reads"] = read_on(
            reader, lambda: print("ready", flush=True), lambda: bool(select.select([sys.stdin], [], [], 0)[0])
        )
    took["seconds"] = time.perf_counter() - begun
    after = memory()
    took["peak"] = after["VmHWM"] - before["VmRSS"]
    took["private"] = after["RssAnon"] - before["RssAnon"]
    took["numpy"] = "numpy" in sys.modules
    print(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
