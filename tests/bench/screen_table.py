"""The program that the dashboard is compared with: Textual's own DataTable with 10,000 tasks, all rows in memory.

python -m tests.bench.screen_table
"""

from itertools import islice

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from tests.bench.data import history

ROWS = 10_000


class TableApp(App[None]):
    """The table, and nothing else."""

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        self.animation_level = "none"
        table = self.query_one(DataTable)
        table.add_columns("NUMBER", "START", "DURATION", "REMOTE", "NODE", "USER", "TASK", "STATUS")
        tasks = (row.task for rows in history(ROWS) for row in rows)
        for number, task in enumerate(islice(tasks, ROWS)):
            table.add_row(
                f"row {number}",
                str(task.starttime),
                str(task.duration(0)),
                task.remote,
                task.node,
                task.user,
                task.description,
                task.status,
            )
        table.focus()


if __name__ == "__main__":
    TableApp().run()
