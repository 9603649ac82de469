"""A simulated fleet of PVE clusters and PBS hosts, which speaks their APIs over HTTPS, and misbehaves on demand:
for the demo, and to test against."""

from backend.simulator.fault import FAULTS_HELP, Fault, FaultError, parse_fault
from backend.simulator.fleet import SimulatedRemote, Token
from backend.simulator.options import SimulatorError, SimulatorOptions
from backend.simulator.serving import serve
from backend.simulator.simulator import Simulator
from backend.simulator.truth import TrueTask

__all__ = [
    "FAULTS_HELP",
    "Fault",
    "FaultError",
    "SimulatedRemote",
    "Simulator",
    "SimulatorError",
    "SimulatorOptions",
    "Token",
    "TrueTask",
    "parse_fault",
    "serve",
]
