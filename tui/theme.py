"""The two colour themes of our own, one dark and one light. The widgets' style sheets use their variables only, so
that Textual's own themes work as well."""

from textual.theme import Theme

DARK = Theme(
    name="remote-tasks-dark",
    dark=True,
    primary="#7aa2d6",
    secondary="#5f7f9f",
    accent="#7aa2d6",
    foreground="#d5d8dc",
    background="#14171a",
    surface="#1b1f23",
    panel="#22272c",
    success="#7fae7a",
    warning="#d9a94e",
    error="#e06c66",
)

LIGHT = Theme(
    name="remote-tasks-light",
    dark=False,
    primary="#2b5f9e",
    secondary="#55789b",
    accent="#2b5f9e",
    foreground="#24292e",
    background="#fbfbf9",
    surface="#f1f1ee",
    panel="#e6e6e1",
    success="#3a7a35",
    warning="#8a5a00",
    error="#b3261e",
)
