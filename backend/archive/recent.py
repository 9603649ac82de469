"""The blocks that were unpacked last, kept for a while: who scrolls, or narrows a filter while typing, looks at
the same ones again and again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class RecentContents:
    """Contents of blocks by key, those used last, up to a number of bytes. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        """`most` bytes are kept."""
        self._most = most
        self._bytes = 0
        self._contents: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, unpack: Callable[[], bytes]) -> bytes:
        """The content with this key, unpacked if it is not here."""
        with self._lock:
            content = self._contents.get(key)
            if content is not None:
                self._contents.move_to_end(key)
                return content
        content = unpack()
        with self._lock:
            if key not in self._contents and len(content) <= self._most:
                self._contents[key] = content
                self._bytes += len(content)
                while self._bytes > self._most:
                    self._bytes -= len(self._contents.popitem(last=False)[1])
        return content
