"""A token's secret masked where a text quotes the remote, which could send it back. A text is masked while it is
whole: of a secret that a cut has halved, nobody could tell the first half."""

import re
from urllib.parse import quote

from backend.config import Secret

MASK = "***"


def mask(secret: Secret, text: str) -> str:
    """The text with MASK for the secret, however it is written."""
    for spelling in _spellings(secret):
        text = text.replace(spelling, MASK)
    return text


def mask_bytes(secret: Secret, text: bytes) -> bytes:
    """The same for a text that is not decoded yet: a body may be of some megabytes, and of any bytes."""
    for spelling in _spellings(secret):
        text = text.replace(spelling.encode(), MASK.encode())
    return text


def _spellings(secret: Secret) -> list[str]:
    """As it is, percent-encoded as by a URL and by our header, and as JSON and Python write it between quotes; the
    longest first."""
    plain = secret.reveal()
    encoded = {quote(plain), quote(plain, safe="")}
    lower = {re.sub("%..", lambda match: match[0].lower(), text) for text in encoded}
    escaped = plain.replace("\\", "\\\\")
    quoted = {escaped, escaped.replace('"', '\\"'), escaped.replace("'", "\\'")}
    # who is asked without a token has no secret
    return sorted(({plain} | encoded | lower | quoted) - {""}, key=len, reverse=True)
