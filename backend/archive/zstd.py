"""The standard library's zstd, from its backport where Python is older than 3.14, with what the archive sets."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZstdError = zstd.ZstdError

MAGIC = b"\x28\xb5\x2f\xfd"
"""What a zstd frame begins with (RFC 8878, 3.1.1)."""

_PARAMETERS = zstd.CompressionParameter
# Tried on lines of tasks: a tenth smaller than at level 3, as at level 8, in two thirds of that level's time.
_OPTIONS: dict[int, int] = {
    _PARAMETERS.strategy: zstd.Strategy.lazy2,
    _PARAMETERS.min_match: 6,
    _PARAMETERS.search_log: 2,
    _PARAMETERS.hash_log: 16,
    _PARAMETERS.window_log: 17,
    # so that a flipped bit is noticed, and costs its frame alone
    _PARAMETERS.checksum_flag: 1,
}


def compress(data: bytes) -> bytes:
    """The data as one frame with a checksum."""
    return zstd.compress(data, options=_OPTIONS)


def decompress(frame: bytes, limit: int) -> bytes:
    """The content of one whole frame. Raises ZstdError, also for a content of more than `limit` bytes."""
    decompressor = zstd.ZstdDecompressor()
    content = decompressor.decompress(frame, limit + 1)
    if len(content) > limit:
        raise ZstdError(f"a frame of more than {limit} bytes")
    if not decompressor.eof:
        raise ZstdError("the frame is cut off")
    return content


def decompress_some(frame: bytes, limit: int) -> bytes:
    """As much of a damaged or cut frame as can be had, block by block, up to about `limit` bytes."""
    decompressor = zstd.ZstdDecompressor()
    content = bytearray()
    for offset in range(0, len(frame), 4_096):
        if decompressor.eof or len(content) >= limit:
            break
        try:
            content += decompressor.decompress(frame[offset : offset + 4_096], limit)
        except ZstdError:
            break
    return bytes(content)


def frame_size(data: memoryview) -> int:
    """Bytes of the frame that data begins with. Raises ZstdError if it is none, or not whole."""
    return zstd.get_frame_size(data)
