"""The help: the keys, made of their table, and the language of the filter."""

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


class HelpScreen(Dialog):
    """All keys, and what a filter can say."""

    def __init__(self) -> None:
        super().__init__("Help")

    def content(self, width: int) -> Content:
        parts = []
        for place in Place:
            keys = [
                (key.caps, Content.assemble(key.help, (f"  {key.name}", "$foreground 45%")))
                for key in keys_in_use()
                if key.place is place
            ]
            parts += [_heading(f"Keys: {place}"), table(keys, width), Content("")]
        fields = [(f"{name}:", Content(meaning)) for name, meaning in FIELDS.items()]
        words = Content(_WORDS)
        parts += [_heading("Filter"), Content("\n").join(words.wrap(width)), table(fields, width), Content("")]
        signs = [(sign, Content(status.value)) for status, sign in SIGNS.items()]
        signs.append((MARK, Content("marked by you")))
        signs.append((DOTTED, Content("in a timeline of one line: more errors than usual")))
        parts += [_heading("Signs"), table(signs, width)]
        return Content("\n").join(parts)


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $accent")
