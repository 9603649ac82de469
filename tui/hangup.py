"""What to do when the terminal goes away, as when a connection breaks: nobody can be shown anything then, and a
dashboard that stayed would keep the worker's role from one that is looked at."""

import os
import select
import threading
import time
from collections.abc import Callable

GRACE = 3.0
"""Seconds that an orderly end may take. What is stored by then is whole at any moment."""


def leave_on_hangup(handle: int, leave: Callable[[], object]) -> None:
    """Have `leave` called from a thread once the terminal behind a handle has hung up, and end the process should
    that not. Not all who start a program have the system send it SIGHUP then, and what is painted for a terminal
    that is gone may wait for ever."""
    poll = select.poll()
    # no event is asked for: that it hung up is told anyway
    poll.register(handle, 0)

    def wait() -> None:
        poll.poll()
        leave()
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=wait, name="hangup", daemon=True).start()
