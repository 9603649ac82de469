"""Faults as text: what is read, what is refused and in which words, and whom a fault befalls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.simulator import FAULTS_HELP, Fault, FaultError, Simulator, SimulatorOptions, parse_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("wien:hang", Fault("wien", None, "hang")),
        ("pve-003/pve2:offline", Fault("pve-003", "pve2", "offline")),
        ("*:latency=0.2..0.6", Fault("*", None, "latency", (0.2, 0.6))),
        ("*:latency=0.25", Fault("*", None, "latency", (0.25, 0.25))),
        ("wien:clock=-7200", Fault("wien", None, "clock", (-7200, -7200))),
        ("wien:clock=+2h", Fault("wien", None, "clock", (7200, 7200))),
        ("wien:clock=-1h30m", Fault("wien", None, "clock", (-5400, -5400))),
        ("graz:status=500", Fault("graz", None, "status", (500, 500))),
        ("wien:reset@0.1", Fault("wien", None, "reset", chance=0.1)),
        ("*/pve1:status=596@0.25", Fault("*", "pve1", "status", (596, 596), 0.25)),
        ("pve-0*/pve*:burst=2000", Fault("pve-0*", "pve*", "burst", (2000, 2000))),
        ("wien:long=3d", Fault("wien", None, "long", (259_200, 259_200))),
        ("wien:huge", Fault("wien", None, "huge", (100, 100))),
        ("  wien:long-status=0.5 ", Fault("wien", None, "long-status", (0.5, 0.5))),
    ],
)
def test_a_fault_is_read_from_its_text_and_written_as_one_that_reads_the_same(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected REMOTE:KIND or REMOTE/NODE:KIND"),
        ("hang", "expected REMOTE:KIND or REMOTE/NODE:KIND"),
        ("wien/a/b:hang", "expected REMOTE:KIND or REMOTE/NODE:KIND"),
        ("wien:hnag", "there is no fault 'hnag'; did you mean hang?"),
        ("wien:xyzzy", "there is no fault 'xyzzy'; there are refuse, silent, "),
        ("wien:hang=3", "hang takes no value"),
        ("wien/pve1:refuse", "refuse befalls a remote as a whole: wien:refuse"),
        ("wien:refuse@0.5", "refuse takes no chance"),
        ("wien:clock=5@0.5", "clock takes no chance"),
        ("wien:hang@0", "expected a chance above 0 and up to 1"),
        ("wien:hang@1.5", "expected a chance above 0 and up to 1"),
        ("wien:hang@nan", "expected a chance above 0 and up to 1"),
        ("wien:status", "expected status=STATUS: a status from 400 to 599"),
        ("wien:status=200", "expected status=STATUS: a status from 400 to 599"),
        ("wien:latency", "expected latency=SECONDS: seconds such as 0.2, or 0.2..0.6"),
        ("wien:latency=0.6..0.2", "expected latency=SECONDS"),
        ("wien:latency=inf", "expected latency=SECONDS"),
        ("wien:clock=soon", "expected clock=SECONDS"),
        ("wien:clock=-99999999999", "expected clock=SECONDS"),
        ("wien:burst=0", "expected burst=N"),
        ("wien:long=0", "expected long=SECONDS"),
        ("wien:huge=1e9", "expected huge=MB"),
        ("wien:hang\nwien:reset", "expected REMOTE:KIND"),
    ],
)
def test_what_is_no_fault_is_refused_in_one_line_that_says_what_was_expected(text: str, words: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse_fault(text)

    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@given(
    st.text(max_size=40) | st.from_regex(r"[a-z*]{1,5}(/p[0-9])?:[a-z-]{1,9}(=[-+0-9.a-z]{0,9})?(@[0-9.]{0,4})?")
)
def test_any_text_is_a_fault_or_refused(text: str) -> None:
    try:
        fault = parse_fault(text)
    except FaultError:
        return
    assert parse_fault(str(fault)).place == fault.place


def test_the_help_names_every_kind_once() -> None:
    names = [line.split()[0].partition("=")[0].partition("[")[0] for line in FAULTS_HELP.splitlines()[3:]]

    assert len(set(names)) == len(names) > 20
    for name in names:
        with pytest.raises(FaultError) as refused:
            parse_fault(f"wien/pve1:{name}=no@no")
        assert "there is no fault" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wein:hang", "no remote is called wein; there is wien"),
        ("pve-*:hang", "no remote is called pve-\\*"),
        ("wien/pve9:offline", "no node is called pve9; there is pve1, pve2"),
        ("pbs-001:offline", "offline befalls nodes of PVE clusters only"),
        ("pbs-001/localhost:twice", "twice befalls nodes of PVE clusters only"),
    ],
)
async def test_a_fault_that_befalls_nothing_in_the_fleet_is_refused_and_changes_nothing(
    text: str, words: str
) -> None:
    simulator = Simulator(SimulatorOptions(remotes=2, nodes=2), faults=["wien:hang"])

    with pytest.raises(FaultError, match=words):
        await simulator.set_faults(["wien:reset", text])
    assert [str(fault) for fault in simulator.faults] == ["wien:hang"]


async def test_a_fault_takes_the_place_of_one_of_its_kind_and_clears_by_kind_and_place() -> None:
    simulator = Simulator(SimulatorOptions(remotes=2))

    def held() -> list[str]:
        return [str(fault) for fault in simulator.faults]

    await simulator.set_fault("wien:latency=0.1")
    await simulator.set_fault("wien:hang")
    await simulator.set_fault("wien:latency=0.3..0.5")
    await simulator.set_fault("wien/pve1:hang")
    assert held() == ["wien:hang", "wien:latency=0.3..0.5", "wien/pve1:hang"]
    await simulator.clear_fault("wien:latency=9")
    await simulator.clear_fault("*:hang")
    assert held() == ["wien:hang", "wien/pve1:hang"]
    await simulator.set_faults([])
    assert held() == []
