"""Real Docker hosts on one machine: see tests/README.md.

Everything that a lab starts lives in namespaces held by processes that carry a mark in their
environment, so the end of those processes is the end of the lab.
"""

from .agent import Agent
from .host import Host
from .lab import Lab
from .loopback import LoopbackHerd
from .polling import throughout, until

__all__ = ["Agent", "Host", "Lab", "LoopbackHerd", "throughout", "until"]
