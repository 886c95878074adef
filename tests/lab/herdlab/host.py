"""One host of a lab: network, mount, UTS, IPC and PID namespaces with a first process."""

import json
import pathlib
import signal
import subprocess

from . import processes
from .agent import Agent
from .daemon import Dockerd, FakeDaemon, ask
from .polling import until

# Runs as the child of tini, which is process 1 of the host. $1: state directory, $2: host name.
INIT = r"""
set -eu
mount --make-rshared /   # A peer group of its own: nothing gets out, rshared binds work inside.
mount -t tmpfs -o mode=755 tmpfs /run   # Own xtables lock, and none of the machine's sockets.
mkdir -p /run/lock /etc/docker "$1/etc-docker"
mount --bind "$1/etc-docker" /etc/docker   # An engine ID of its own.
# Names are refused at once: a resolver that does not answer costs tens of seconds a look-up.
echo 'nameserver 127.0.0.1' > "$1/resolv.conf"
target=$(readlink -m /etc/resolv.conf)
if [ -e "$target" ]; then mount --bind "$1/resolv.conf" "$target"
else mkdir -p "$(dirname "$target")"; cp "$1/resolv.conf" "$target"; fi
hostname "$2"
ip link set lo up
touch "$1/ready"
exec sleep infinity
"""


class Host:
    """Owned by a Lab. `daemon` says what answers at /var/run/docker.sock: dockerd, fake or none."""

    def __init__(self, lab, number, daemon="dockerd"):
        self.lab = lab
        self.number = number
        self.name = f"host{number}"
        self.directory = pathlib.Path(lab.directory) / f"h{number}"
        self.address = lab.network.address(number)
        self.environment = processes.clean_environment(lab.directory)
        kinds = {"dockerd": Dockerd, "fake": FakeDaemon, "none": None}
        self.daemon = kinds[daemon](self) if kinds[daemon] else None
        self.agents = []

    @property
    def init(self):
        """The host's first process, in the caller's numbering; None while it is off."""
        return processes.recall(self._init_file)

    @property
    def _init_file(self):
        return self.directory / "init.pid"

    @property
    def net(self):
        return f"/proc/{self.init}/ns/net"

    # Power ------------------------------------------------------------------------------------

    def begin_on(self):
        """Boots the host as far as its namespaces."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "ready").unlink(missing_ok=True)
        with open(self.directory / "console", "ab") as console:
            outer = subprocess.Popen(
                ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork",
                 "--mount-proc", "--propagation", "private", "--kill-child=KILL",
                 "tini", "-g", "--", "sh", "-c", INIT, "init", str(self.directory), self.name],
                env=self.environment, cwd="/", start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        until(lambda: (self.directory / "ready").exists() or outer.poll() is not None, 30,
              what=f"{self.name} boots")
        init = processes.first_child(outer.pid)
        if init is None:
            raise RuntimeError((self.directory / "console").read_text())
        processes.remember(self._init_file, init)
        self.lab.network.plug(self.number, init, self.lab.static_neighbours)
        if self.daemon:
            self.daemon.start()

    def finish_on(self):
        """Waits until the daemon of a host that begin_on() booted can be used."""
        if self.daemon:
            self.daemon.wait_until_up()

    def on(self):
        self.begin_on()
        self.finish_on()

    def off(self):
        """A power cut: everything in the host ends at once; its disk stays."""
        init = self.init
        if init is None:
            return
        outer = processes.parent_of(init)
        processes.send_signal(init, signal.SIGKILL)
        until(lambda: not processes.is_running(init), 30, what=f"{self.name} goes off")
        if outer:
            until(lambda: not processes.is_running(outer), 30, what=f"{self.name} goes off")
        self._init_file.unlink(missing_ok=True)
        for agent in self.agents:
            agent.reap()
        self.lab.network.unplug(self.number)

    def pause(self):
        """Freezes every process of the host."""
        for pid in processes.in_pid_namespace(self.init):
            processes.freeze(pid)

    def resume(self):
        for pid in reversed(processes.in_pid_namespace(self.init)):
            processes.thaw(pid)

    # Cable ------------------------------------------------------------------------------------

    def cut(self):
        self.lab.network.cut(self.number)

    def heal(self):
        self.lab.network.heal(self.number)

    def ignore(self, other):
        """A one-way partition: what `other` sends is dropped here."""
        self.run("iptables", "-I", "INPUT", "-s", other.address, "-j", "DROP")

    def listen_to(self, other):
        self.run("iptables", "-D", "INPUT", "-s", other.address, "-j", "DROP")

    # Commands ---------------------------------------------------------------------------------

    def _enter(self, command):
        return ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "--",
                *map(str, command)]

    def run(self, *command, check=True, stdin=None, timeout=60):
        """Runs a command inside; returns a CompletedProcess with text output."""
        return processes.run(self._enter(command), stdin=stdin, check=check, timeout=timeout,
                             env=self.environment, cwd="/")

    def spawn(self, *command, log, more_environment=None, stdin=subprocess.DEVNULL):
        """Starts a long-lived command inside. Returns (Popen of the wrapper, pid of the command)."""
        with open(log, "ab") as output:
            wrapper = subprocess.Popen(
                self._enter(command), env={**self.environment, **(more_environment or {})},
                cwd="/", start_new_session=True, stdin=stdin, stdout=output, stderr=output)
        pid = processes.first_child(wrapper.pid)
        return wrapper, pid

    @property
    def docker_socket(self):
        return self.directory / "docker.sock"

    def docker(self, *arguments, check=True, timeout=60):
        """Debian's docker command against this host's daemon; returns its standard output."""
        command = ["/usr/bin/docker", "-H", f"unix://{self.docker_socket}", *map(str, arguments)]
        result = processes.run(command, check=check, timeout=timeout, env=self.environment)
        return result.stdout.strip()

    def container_address(self, container):
        """The container's IPv4 address on the host's default bridge; "" with --network none."""
        found = json.loads(self.docker("inspect", container))[0]
        return found["NetworkSettings"]["IPAddress"]

    def remove_containers(self):
        # Asked without the docker command, which takes fifty times as long: most have none.
        status, body = ask(self.docker_socket, "GET", "/containers/json?all=1")
        assert status == 200, body
        ids = [entry["Id"] for entry in json.loads(body)]
        if ids:
            self.docker("rm", "-f", *ids)

    # Daemon and agents ------------------------------------------------------------------------

    def crash_dockerd(self):
        self.daemon.crash()

    def restart_dockerd(self):
        if self.daemon.pid is not None:
            self.daemon.stop()
        self.daemon.start()
        self.daemon.wait_until_up()

    def agent(self, **settings):
        """A new agent beside the daemon, not started yet. See Agent."""
        agent = Agent(self, **settings)
        self.agents.append(agent)
        return agent
