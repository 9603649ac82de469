"""A simulated fleet of PVE clusters and PBS hosts, which speaks their APIs over HTTPS: for the demo, and to test
against."""

from backend.simulator.fleet import SimulatedRemote, Token
from backend.simulator.options import SimulatorError, SimulatorOptions
from backend.simulator.simulator import Simulator, serve

__all__ = ["SimulatedRemote", "Simulator", "SimulatorError", "SimulatorOptions", "Token", "serve"]
