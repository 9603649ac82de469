"""Words that wrap at spaces; one that is longer than a line, such as a filter or a path, behind a comma, a slash
or the like in it."""

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_PIECE = re.compile(r"[^,/:!@-]*[,/:!@-]+|[^,/:!@-]+")


def wrap(text: str, width: int) -> list[str]:
    """A text in lines of at most so many cells."""
    return [line for paragraph in text.split("\n") for line in _wrap_paragraph(paragraph, width)]


def _wrap_paragraph(text: str, width: int) -> Iterator[str]:
    line: str | None = None
    for gap, piece in _pieces(text, width):
        longer = piece if line is None else f"{line}{gap}{piece}"
        if line is None or cell_len(longer) <= width:
            line = longer
        else:
            if line:
                yield line
            line = piece
    yield line or ""


def _pieces(text: str, width: int) -> Iterator[tuple[str, str]]:
    """What is not broken, each with what stands between it and the piece before."""
    for word in text.split(" "):
        gap = " "
        for piece in [word] if cell_len(word) <= width else _PIECE.findall(word):
            for part in chop_cells(piece, width) if cell_len(piece) > width else [piece]:
                yield gap, part
                gap = ""


class Words(Widget):
    """Paragraphs, each in a style; safe to print."""

    DEFAULT_CSS = """
    Words { width: 1fr; height: auto; }
    """

    def __init__(self, *paragraphs: tuple[str, str], id: str | None = None) -> None:
        super().__init__(id=id)
        self._paragraphs = paragraphs

    def say(self, *paragraphs: tuple[str, str]) -> None:
        """Say something else: texts and their styles."""
        self._paragraphs = paragraphs
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        return [
            Content.styled(line, style) for text, style in self._paragraphs for line in wrap(text, max(1, width))
        ]
