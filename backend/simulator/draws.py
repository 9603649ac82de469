"""Random numbers that are functions of where they are drawn: the same seed, place and index, the same number."""

from hashlib import blake2b

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_GOLDEN = 0x9E37_79B9_7F4A_7C15


def key_of(*place: object) -> int:
    """A 64-bit key of a place, such as seed, remote and node."""
    return int.from_bytes(blake2b("\0".join(map(str, place)).encode(), digest_size=8).digest(), "big")


def draw(key: int, index: int) -> int:
    """The 64 random bits at `index` (from 0 on) of the sequence that belongs to `key`: SplitMix64."""
    value = (key + (index + 1) * _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return value ^ (value >> 31)


def secret_of(*place: object) -> str:
    """A token's secret for a place, in the form of a UUID, as Proxmox makes them."""
    digits = blake2b("\0".join(map(str, place)).encode(), digest_size=16).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
