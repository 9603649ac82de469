"""The help: the keys, made of their table, and the language of the filter."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from backend.query import FIELDS
from tui.keys import Place, keys_in_use
from tui.row import MARK, SIGNS
from tui.screens.dialog import Dialog, table
from tui.timeline import DOTTED

_WORDS = (
    "Words match anywhere in a row or its UPID. A leading - excludes; quotes keep spaces; a comma means or; "
    "* stands for any text. What failed: status:error; all that did not end well: -status:ok."
)
_NAMES = 'In the configuration, [keys] gives actions other keys by these names: next-error = "n".'


class HelpScreen(Dialog):
    """All keys, and what a filter can say. What is of use where the user is stands first.

    Args:
        here: the places whose keys work there.
    """

    def __init__(self, here: Sequence[Place]) -> None:
        super().__init__("Help")
        self._here = here

    def content(self, width: int) -> Content:
        others = [place for place in Place if place not in self._here]
        language = self._language(width)
        parts = [*self._keys(self._here, width)]
        if Place.FILTER in self._here:
            # who asks while typing a filter asks what to type
            parts = [*language, *parts, *self._keys(others, width)]
        else:
            parts += [*language, *self._keys(others, width)]
        return Content("\n").join([*parts, *self._signs(width), *self._names(width)])

    def _keys(self, places: Sequence[Place], width: int) -> Iterator[Content]:
        for place in places:
            keys = [(key.caps, Content(key.help)) for key in keys_in_use() if key.place is place]
            yield from (_heading(place), table(keys, width), Content(""))

    def _language(self, width: int) -> Iterator[Content]:
        fields = [(f"{name}:", Content(meaning)) for name, meaning in FIELDS.items()]
        words = Content("\n").join(Content(_WORDS).wrap(width))
        yield from (_heading("What a filter can say"), words, table(fields, width), Content(""))

    def _signs(self, width: int) -> Iterator[Content]:
        signs = [(sign, Content(status.value)) for status, sign in SIGNS.items()]
        signs.append((MARK, Content("marked by you")))
        signs.append((DOTTED, Content("in a timeline of one line: more errors than usual")))
        yield from (_heading("Signs"), table(signs, width), Content(""))

    def _names(self, width: int) -> Iterator[Content]:
        caps: dict[str, dict[str, None]] = {}
        for key in keys_in_use():
            caps.setdefault(key.name, {}).update(dict.fromkeys(key.caps.split()))
        names = [(name, Content(" ".join(written))) for name, written in caps.items()]
        words = Content("\n").join(Content(_NAMES).wrap(width))
        yield from (_heading("Names of the actions"), words, table(names, width))


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $accent")
