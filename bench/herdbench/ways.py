"""The ways to a daemon that are compared: its own socket, a forwarder, its own agent, another's."""

import contextlib

from .inspecting import FORWARDER_PORT
from .load import agent_target, daemon_target


@contextlib.contextmanager
def ways_to_first_host(bench, hosts, agents):
    """Name -> (target, network that the client runs in). The forwarder runs until the end."""
    forwarder = bench.load.forwarder(FORWARDER_PORT, daemon_target(hosts[0]), hosts[0].net)
    try:
        yield {"daemon": (daemon_target(hosts[0]), hosts[0].net),
               "forwarder": (f"tcp:127.0.0.1:{FORWARDER_PORT}", hosts[0].net),
               "owner": (agent_target(agents[0]), hosts[0].net),
               "non-owner": (agent_target(agents[1]), hosts[1].net)}
    finally:
        forwarder.kill()
        forwarder.wait()


def floor_of(middle):
    """A note: what any agent in between costs at least."""
    return f"a bare forwarder: {middle['forwarder'] / middle['daemon']:.2f} ×"
