"""A fleet in service as a process of its own: its configuration, its control file and its truth as files."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from backend.archive.files import write_atomically
from backend.simulator.control import Control
from backend.simulator.fault import Fault
from backend.simulator.options import SimulatorError, SimulatorOptions
from backend.simulator.simulator import Simulator
from backend.simulator.truth import write_truth


async def serve(
    options: SimulatorOptions,
    *,
    faults: Sequence[Fault] = (),
    control: Path | None = None,
    truth: Path | None = None,
    truth_wanted: asyncio.Event | None = None,
    write_config: Path | None = None,
    ready: Callable[[Simulator], None] | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Serve a fleet until cancelled. Once all of it listens, its configuration is written to `write_config` (0600,
    replaced as a whole), then `ready` is called. Raises SimulatorError.

    Args:
        options: what fleet.
        faults: those that hold all the time.
        control: a file of more faults, taken over whenever it changes.
        truth: the file to which every task the fleet ever ran is written at the end, and whenever `truth_wanted`
            is set.
        truth_wanted: see `truth`; it is cleared once that is written.
        write_config: the file for the configuration.
        ready: called with the fleet.
        tell: called with a line for whoever watches it, of faults taken over and files written.
    """
    async with Simulator(options, faults=faults) as simulator:
        following = None if control is None else Control(control, simulator, faults)
        if following is not None:
            await following.begin()
        if write_config is not None:
            content = simulator.config_toml().encode()
            try:
                await asyncio.to_thread(write_atomically, write_config, content)
            except OSError as error:
                raise SimulatorError(f"cannot write {write_config}: {error.strerror}") from None
        if ready is not None:
            ready(simulator)
        try:
            async with asyncio.TaskGroup() as group:
                if following is not None:
                    group.create_task(following.follow(tell))
                if truth is not None and truth_wanted is not None:
                    group.create_task(_write_whenever(truth_wanted, truth, simulator, tell))
                await asyncio.Event().wait()
        finally:
            if truth is not None:
                await write_truth(truth, simulator.truth())
                tell(f"wrote {truth}")


async def _write_whenever(
    wanted: asyncio.Event, path: Path, simulator: Simulator, tell: Callable[[str], None]
) -> None:
    while True:
        await wanted.wait()
        wanted.clear()
        try:
            await write_truth(path, simulator.truth())
            tell(f"wrote {path}")
        except SimulatorError as error:
            tell(str(error))
