"""Several agents on this machine's loopback, each with a fake daemon: no namespaces, no root."""

import os
import random
import socket
import subprocess

from . import keeper, processes
from .agent import Agent, find_binaries
from .daemon import ask
from .polling import until

# Below the ports that the kernel gives to whoever asks for any.
PORTS = range(20000, 32768)


def _free_ports(count):
    sockets = []
    try:
        for port in random.sample(PORTS, len(PORTS)):
            if len(sockets) == count:
                break
            try:
                sockets.append(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class LoopbackHerd:
    """Use as a context manager. Children end with the thread that made them, even by SIGKILL; the
    directory is then removed by the next herd or lab.

    `conf` is for every agent; `daemons` has, for each host, arguments of its fake daemon.
    """

    def __init__(self, count, binaries=None, herd=None, prefix="node", conf=None, daemons=None):
        keeper.sweep()
        self.directory, self._lock = keeper.claim(keeper.LOOPBACK_PREFIX)
        self.binaries = find_binaries(binaries)
        self.herd = herd or self.directory.name
        self._daemons = []
        self.agents = []
        self._conf = conf or {}
        try:
            for index, port in enumerate(_free_ports(count)):
                arguments = ["--seed", str(index + 1), *(daemons[index] if daemons else ())]
                self._add(f"{prefix}{index + 1}", port, arguments)
        except BaseException:
            self._end()
            raise

    def _add(self, name, port, daemon_arguments):
        environment = processes.clean_environment(self.directory)
        path = self.directory / f"{name}.sock"
        self._daemons.append(subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", self.binaries / "fake_dockerd", "--socket",
             path, "--name", name, *daemon_arguments], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self.agents.append(Agent(
            None, name=name, directory=self.directory, address="127.0.0.1", port=port,
            conf={"docker": f"unix://{path}"} | self._conf, cluster=f"herd: {self.herd}\n",
            arguments=(), program=self.binaries / "dockherd", environment=environment))
        until(lambda: ask(path, "GET", "/_ping")[0] == 200, 30, what="fake daemon")

    def _start(self):
        for agent in self.agents:
            agent.begin()
        for agent in self.agents:
            agent.wait_until_up()

    def __enter__(self):
        try:
            try:
                self._start()
            except RuntimeError:
                if not any("cannot listen" in agent.log_text() for agent in self.agents):
                    raise
                # Somebody took a port between our look and the agent's.
                for agent, port in zip(self.agents, _free_ports(len(self.agents))):
                    agent.kill()
                    agent.move_to(port)
                self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_):
        self._end()

    def _end(self):
        for agent in self.agents:
            agent.kill()
        for daemon in self._daemons:
            daemon.kill()
            daemon.wait()
        keeper.remove_directory(self.directory)
        os.close(self._lock)
