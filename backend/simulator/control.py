"""The control file of a fleet in service: the faults that are written in it, one a line, hold as long as they
stand there."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from backend.simulator.fault import Fault, FaultError, parse_fault
from backend.simulator.options import SimulatorError
from backend.simulator.simulator import Simulator

_PAUSE = 0.1
"""Seconds between two looks at the file. What is found must be the same twice: an editor may empty a file before
it fills it."""


class Control:
    """Takes over the faults of a control file into a fleet. A file that is not there is an empty one."""

    def __init__(self, path: Path, simulator: Simulator, always: Sequence[Fault]) -> None:
        """The faults in `always` hold besides, whatever is in the file."""
        self._path = path
        self._simulator = simulator
        self._always = always
        self._taken = ""

    async def begin(self) -> None:
        """Take over what is in the file. Raises SimulatorError that names the line at fault."""
        await self._take(self._read())

    async def follow(self, tell: Callable[[str], None]) -> None:
        """Take over every change of the file, for ever, and tell what came of it in a line each time. With a line
        that is wrong all stays as it was."""
        seen, trouble = self._taken, ""
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                text = self._read()
                if text == seen != self._taken:
                    await self._take(text)
                    tell(f"faults: {', '.join(map(str, self._simulator.faults)) or 'none'}")
                seen, trouble = text, ""
            except SimulatorError as error:
                if str(error) != trouble:
                    trouble = str(error)
                    tell(trouble)

    async def _take(self, text: str) -> None:
        self._taken = text
        await self._simulator.set_faults([*self._always, *self._faults(text)])

    def _read(self) -> str:
        try:
            return self._path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise SimulatorError(f"cannot read {self._path}: {error.strerror}") from None

    def _faults(self, text: str) -> list[Fault]:
        faults = []
        for number, line in enumerate(text.splitlines(), start=1):
            line = line.partition("#")[0].strip()
            if not line:
                continue
            try:
                fault = parse_fault(line)
                self._simulator.check(fault)
            except FaultError as error:
                raise SimulatorError(f"{self._path}, line {number}: {error}") from None
            faults.append(fault)
        return faults
