"""UPIDs: what is one and what is none, what stands in them, and that their text is kept byte for byte."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.upid import (
    RemoteType,
    UpidError,
    escape_worker_id,
    is_remote_name,
    parse_remote_upid,
    parse_upid,
    remote_upid,
)

PVE_EXAMPLES = [
    (
        "UPID:example-node:0000C346:165A0CE4:68D7279C:aptupdate::root@pam:",
        ("example-node", 0xC346, 0x165A0CE4, 0x68D7279C, "aptupdate", None, "root@pam"),
    ),
    (
        "UPID:example-node:000934AF:0D015579:68BF3A41:vzdump:100:"
        "91a1da29-a47d-11f0-84e0-fafbfc944d00@pam!some-token:",
        (
            "example-node",
            0x934AF,
            0x0D015579,
            0x68BF3A41,
            "vzdump",
            "100",
            "91a1da29-a47d-11f0-84e0-fafbfc944d00@pam!some-token",
        ),
    ),
    (
        "UPID:example-node:000934AF:FFFFFFFFF:68BF3A41:fake-but-valid-type:100:root@pam:",
        ("example-node", 0x934AF, 0xFFFFFFFFF, 0x68BF3A41, "fake-but-valid-type", "100", "root@pam"),
    ),
    (
        "UPID:pve1:00001234:0D015579:6B04E4A3:imgdel:100@local-lvm:root@pam:",
        ("pve1", 0x1234, 0x0D015579, 0x6B04E4A3, "imgdel", "100@local-lvm", "root@pam"),
    ),
    (
        "UPID:i7:00303F51:09D93CFE:61CCA568:download:8fd77349e9f6.iso:root@pam:",
        ("i7", 0x303F51, 0x09D93CFE, 0x61CCA568, "download", "8fd77349e9f6.iso", "root@pam"),
    ),
    (
        "UPID:pve:00039E4D:002638B8:67B4A9D1:stopall::root@pam:",
        ("pve", 0x39E4D, 0x2638B8, 0x67B4A9D1, "stopall", None, "root@pam"),
    ),
]
PBS_EXAMPLES = [
    (
        r"UPID:pbs:000002B2:00000158:0000001F:674D828C:backup:store1\x3avm-100:root@pam!pve:",
        ("pbs", 0x2B2, 0x158, 0x674D828C, "backup", "store1:vm/100", "root@pam!pve"),
    ),
    (
        r"UPID:pbs:000002B2:00000158:00000003:674D828C:backup:nas\x2d01\x3act-105:backup@pbs:",
        ("pbs", 0x2B2, 0x158, 0x674D828C, "backup", "nas-01:ct/105", "backup@pbs"),
    ),
    (
        r"UPID:pbs:000002B2:00000158:123456789:674D828C:syncjob:"
        r"\x2d\x3asrc\x3adst\x3ans1-sub\x3as\x2d9f8e7d6c:root@pam:",
        ("pbs", 0x2B2, 0x158, 0x674D828C, "syncjob", "-:src:dst:ns1/sub:s-9f8e7d6c", "root@pam"),
    ),
    (
        r"UPID:pbs:000002B2:00000158:00000010:674D828C:reader:store1\x3ahost-\xc3\xa4.example:mon@pbs!ro:",
        ("pbs", 0x2B2, 0x158, 0x674D828C, "reader", "store1:host/ä.example", "mon@pbs!ro"),
    ),
    (
        r"UPID:pbs:000002B2:00000158:00000002:674D828C:termproxy:\x2ehidden:root@pam:",
        ("pbs", 0x2B2, 0x158, 0x674D828C, "termproxy", ".hidden", "root@pam"),
    ),
]
EXAMPLES: list[tuple[RemoteType, str, tuple[object, ...]]] = [
    *(("pve", text, parts) for text, parts in PVE_EXAMPLES),
    *(("pbs", text, parts) for text, parts in PBS_EXAMPLES),
]
NO_UPIDS: list[tuple[RemoteType, str]] = [
    ("pve", ""),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3:qmstart:100:root@pam"),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3:qmstart:100:root@pam:done"),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3:qmstart:100:root@pam:\n"),
    ("pve", " UPID:pve1:00001234:0D015579:6B04E4A3:qmstart:100:root@pam:"),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3:qm start:100:root@pam:"),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3:qmstart:1 0:root@pam:"),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3:qmstart:vm/100:root@pam:"),
    ("pve", "UPID:pve1:0001234:0D015579:6B04E4A3:qmstart:100:root@pam:"),
    ("pve", "UPID:pve1:00001234:D015579:6B04E4A3:qmstart:100:root@pam:"),
    ("pve", "UPID:pve1:00001234:0D015579:B04E4A3:qmstart:100:root@pam:"),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3::100:root@pam:"),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3:qmstart:100::"),
    ("pve", "UPID:-pve1:00001234:0D015579:6B04E4A3:qmstart:100:root@pam:"),
    ("pve", "UPID:pve1:00001234:0D015579:6B04E4A3:qmstart:\ud800:root@pam:"),
    ("pve", PBS_EXAMPLES[0][0]),
    ("pbs", PVE_EXAMPLES[0][0]),
    ("pbs", r"UPID:pbs:000002B2:00000158:000001F:674D828C:backup:store1\x3avm-100:root@pam!pve:"),
    ("pbs", r"UPID:pbs:000002B2:00000158:0000001F:674D828C:backup:store1\x3avm/100:root@pam!pve:"),
    ("pbs", r"UPID:pbs:000002B2:00000158:0000001F:674D828C:backup:store1\x3avm-100:root@pam!pve"),
]

hexadecimal = st.integers(0, 2**32 - 1)
nodes = st.from_regex(re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9\-]{0,20}[a-zA-Z0-9])?", re.ASCII), fullmatch=True)
plain = st.text(st.characters(exclude_categories=("Cs", "Z", "Cc"), exclude_characters=":/"), max_size=20)
names = plain.filter(bool)
remotes = st.from_regex(re.compile(r"[A-Za-z0-9_][A-Za-z0-9._\-]{1,31}", re.ASCII), fullmatch=True)
any_text = st.text(st.characters())


@pytest.mark.parametrize(("type", "text", "parts"), EXAMPLES, ids=[text for _, text, _ in EXAMPLES])
def test_examples_are_taken_apart_and_kept_byte_for_byte(
    type: RemoteType, text: str, parts: tuple[object, ...]
) -> None:
    upid = parse_upid(text, type)
    assert tuple(upid) == (text, *parts)


@pytest.mark.parametrize(("type", "text"), NO_UPIDS)
def test_what_is_no_upid_is_refused(type: RemoteType, text: str) -> None:
    with pytest.raises(UpidError):
        parse_upid(text, type)


def test_numbers_are_hex_in_either_case_up_to_the_last_bit() -> None:
    upid = parse_upid("UPID:pve1:ffffFFFF:80000000:FFFFFFFF:qmstart:100:root@pam:", "pve")
    assert (upid.pid, upid.pstart, upid.starttime) == (0xFFFFFFFF, 0x80000000, 0xFFFFFFFF)


@pytest.mark.parametrize("task_id", ["00000001", "0123456789ABCDEF"])
def test_a_pbs_task_id_has_8_to_16_digits(task_id: str) -> None:
    assert (
        parse_upid(f"UPID:pbs:000002B2:00000158:{task_id}:674D828C:prune::root@pam:", "pbs").worker_type == "prune"
    )


@pytest.mark.parametrize("task_id", ["0000001", "00123456789ABCDEF"])
def test_a_pbs_task_id_of_other_lengths_is_refused(task_id: str) -> None:
    with pytest.raises(UpidError):
        parse_upid(f"UPID:pbs:000002B2:00000158:{task_id}:674D828C:prune::root@pam:", "pbs")


def test_a_pve_id_is_raw_and_never_unescaped() -> None:
    assert parse_upid(r"UPID:n1:00000001:00000001:00000001:t:a-b\x2d:u@pam:", "pve").worker_id == r"a-b\x2d"


@pytest.mark.parametrize("escaped", [r"a\x", r"a\x2", r"a\xzz", r"\xff\xfe", r"\xc3"])
def test_a_pbs_id_that_unescapes_to_no_text_stays_as_written(escaped: str) -> None:
    assert (
        parse_upid(f"UPID:n1:00000001:00000001:00000001:00000001:t:{escaped}:u@pam:", "pbs").worker_id == escaped
    )


@pytest.mark.parametrize(
    ("worker_id", "escaped"),
    [
        ("store1:vm/100", r"store1\x3avm-100"),
        (".a.b", r"\x2ea.b"),
        ("-", r"\x2d"),
        ("A_z9", "A_z9"),
        ("ä", r"\xc3\xa4"),
        ("", ""),
    ],
)
def test_worker_ids_are_escaped_as_systemd_does(worker_id: str, escaped: str) -> None:
    assert escape_worker_id(worker_id) == escaped


@given(worker_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_escaped_worker_id_comes_back_out_of_its_upid(worker_id: str) -> None:
    text = f"UPID:pbs:000002B2:00000158:0000001F:674D828C:backup:{escape_worker_id(worker_id)}:root@pam:"
    assert parse_upid(text, "pbs").worker_id == worker_id


@given(nodes, hexadecimal, st.integers(0, 2**36 - 1), hexadecimal, names, plain, names)
def test_a_made_pve_upid_is_taken_apart_into_what_it_was_made_of(
    node: str, pid: int, pstart: int, starttime: int, worker_type: str, worker_id: str, user: str
) -> None:
    text = f"UPID:{node}:{pid:08X}:{pstart:08X}:{starttime:08X}:{worker_type}:{worker_id}:{user}:"
    assert tuple(parse_upid(text, "pve")) == (
        text,
        node,
        pid,
        pstart,
        starttime,
        worker_type,
        worker_id or None,
        user,
    )


@given(remotes, st.sampled_from(EXAMPLES))
def test_a_remote_upid_is_read_typed_and_untyped(remote: str, example: tuple[RemoteType, str, object]) -> None:
    type, upid, _ = example
    typed = parse_remote_upid(remote_upid(type, remote, upid))
    assert typed == parse_remote_upid(f"{remote}!{upid}")
    assert (typed.text, typed.type, typed.remote) == (f"{type}:{remote}!{upid}", type, remote)
    assert typed.upid == parse_upid(upid, type)


@pytest.mark.parametrize(
    "text",
    [
        PVE_EXAMPLES[0][0],
        f"pve:wien{PVE_EXAMPLES[0][0]}",
        f"pbs:wien!{PVE_EXAMPLES[0][0]}",
        f"pve:wien!{PBS_EXAMPLES[0][0]}",
        f"pmg:wien!{PVE_EXAMPLES[0][0]}",
        f"PVE:wien!{PVE_EXAMPLES[0][0]}",
        f":wien!{PVE_EXAMPLES[0][0]}",
        f"pve:!{PVE_EXAMPLES[0][0]}",
        f"pve:w!{PVE_EXAMPLES[0][0]}",
        f"pve:../wien!{PVE_EXAMPLES[0][0]}",
        f"pve:pve:wien!{PVE_EXAMPLES[0][0]}",
        f"wien!!{PVE_EXAMPLES[0][0]}",
        f"wien! {PVE_EXAMPLES[0][0]}",
        "wien!",
        "!",
        "",
    ],
)
def test_what_is_no_remote_upid_is_refused(text: str) -> None:
    with pytest.raises(UpidError):
        parse_remote_upid(text)


def test_a_remote_upid_is_split_at_its_first_exclamation_mark() -> None:
    parsed = parse_remote_upid("pve:wien!UPID:n1:00000001:00000001:00000001:t:a!b:u@pam!tok!en:")
    assert (parsed.remote, parsed.upid.worker_id, parsed.upid.user) == ("wien", "a!b", "u@pam!tok!en")


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("wien", True),
        ("_x", True),
        ("a.b-c_d", True),
        ("a" * 32, True),
        ("a" * 33, False),
        ("a", False),
        (".a", False),
        ("-a", False),
        ("a/b", False),
        ("wien\n", False),
        ("zürich", False),
    ],
)
def test_remote_names_are_those_pdm_allows(name: str, valid: bool) -> None:
    assert is_remote_name(name) is valid


@given(any_text)
def test_no_text_makes_parsing_fail_but_by_its_own_error(text: str) -> None:
    for parse in (
        lambda: parse_upid(text, "pve"),
        lambda: parse_upid(text, "pbs"),
        lambda: parse_remote_upid(text),
    ):
        try:
            parse()
        except UpidError as error:
            assert str(error)


@given(st.sampled_from(EXAMPLES), st.data())
def test_a_upid_with_any_character_exchanged_is_read_or_refused(
    example: tuple[RemoteType, str, object], data: st.DataObject
) -> None:
    type, upid, _ = example
    text = remote_upid(type, "wien", upid)
    position = data.draw(st.integers(0, len(text) - 1))
    changed = text[:position] + data.draw(st.characters()) + text[position + 1 :]
    try:
        parsed = parse_remote_upid(changed)
    except UpidError:
        return
    assert parsed.text.endswith(changed)
