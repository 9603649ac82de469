"""An input whose keys act in the order in which they were typed, also when many come in one piece: typed ahead
of a slow line, pasted by a terminal, sent by a script."""

import asyncio
import contextlib

from textual import events
from textual.binding import NoBinding
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Input

_PATIENCE = 1.0
"""How long (seconds) a key waits for those before it to arrive."""


class TextInput(Input):
    """A line of text. Textual has a letter inserted here, but looks for what a key such as Backspace does only
    when the app has it back, behind letters that were typed later. Its text may grow and shrink without the whole
    screen being laid out anew, as Textual has it for what can scroll."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))

    async def _on_key(self, event: events.Key) -> None:
        try:
            found = self._bindings.get_bindings_for_key(event.key)
        except NoBinding:
            return
        for binding in found:
            if not binding.priority:
                event.stop()
                event.prevent_default()
                await self.run_action(binding.action)

    async def all_typed(self) -> None:
        """Wait until the keys that were pressed before have arrived in the text."""
        arrived = asyncio.Event()
        self.call_later(arrived.set)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(arrived.wait(), _PATIENCE)
