"""Several agents on this machine's loopback, each with a fake daemon: no namespaces, no root."""

import pathlib
import socket
import subprocess
import tempfile

from . import processes
from .agent import Agent, find_binaries
from .daemon import ask
from .polling import until


def _free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class LoopbackHerd:
    """Use as a context manager. Children end with the thread that made them, even by SIGKILL."""

    def __init__(self, count, binaries=None, herd=None, prefix="node"):
        self._temporary = tempfile.TemporaryDirectory(prefix="dockherd-loopback-")
        self.directory = pathlib.Path(self._temporary.name)
        self.binaries = find_binaries(binaries)
        self.herd = herd or self.directory.name
        self._daemons = []
        self.agents = []
        environment = processes.clean_environment(self.directory)
        for index, port in enumerate(_free_ports(count), start=1):
            name = f"{prefix}{index}"
            path = self.directory / f"{name}.sock"
            self._daemons.append(subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.binaries / "fake_dockerd", "--socket",
                 path, "--name", name], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            self.agents.append(Agent(
                None, name=name, directory=self.directory, address="127.0.0.1", port=port,
                conf={"docker": f"unix://{path}"}, cluster=f"herd: {self.herd}\n", arguments=(),
                program=self.binaries / "dockherd", environment=environment))
            until(lambda path=path: ask(path, "GET", "/_ping")[0] == 200, what="fake daemon")

    def __enter__(self):
        for agent in self.agents:
            agent.begin()
        for agent in self.agents:
            agent.wait_until_up()
        return self

    def __exit__(self, *_):
        for agent in self.agents:
            agent.kill()
        for daemon in self._daemons:
            daemon.kill()
            daemon.wait()
        self._temporary.cleanup()
