"""The fleet's benchmark, on a fleet so small that its figures say nothing: it runs, and counts what there is."""

import json

from click.testing import CliRunner

from tests.bench.__main__ import main
from tests.bench.fleet import report


def test_a_small_fleet_is_filled_and_asked_again() -> None:
    done = CliRunner().invoke(
        main, "fleet --remotes 2 --nodes 2 --tasks 1200 --latency 1 --connections 4 --json".split()
    )
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert (figures["remotes"], figures["nodes"], figures["connections"]) == (2, 3, 4)
    first, second = figures["first"], figures["second"]
    assert 1_200 <= first["tasks"] < 1_400 and first["rows"] >= first["tasks"]
    # Of the cluster its nodes, its privileges and two lists; of the Backup Server its privileges and a list.
    assert second["requests"] == 6
    assert second["rows"] < 50 <= figures["oldest_running_rule"]
    for lag in (first["beside"]["lag"], first["theirs"]["lag"]):
        assert 0 <= lag["p50"] <= lag["p99"] <= lag["worst"]
    lines = list(report(figures, 0.001))
    assert len(lines) < 24 and all(len(line) <= 140 for line in lines)
