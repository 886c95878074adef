"""The local network of a lab: a switch in a namespace of its own, with a cable to each host.

The switch is not in the caller's namespace, so that firewall rules found there (a Docker daemon's,
for instance) do not reach into the lab. One cable leads to the caller, at address .1.
"""

import ctypes
import contextlib
import fcntl
import os
import pathlib
import random
import re
import subprocess
import tempfile

from . import processes
from .polling import until

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def entered(namespace):
    """Puts the calling thread into the network namespace at a /proc path. Sockets stay there."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(namespace, "rb") as there:
        if _libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
        try:
            yield
        finally:
            if _libc.setns(home.fileno(), CLONE_NEWNET) != 0:
                os._exit(70)  # In the wrong network: nothing sensible can follow.


def hold_namespace(directory, environment, lock=None):
    """A process that holds a new network namespace until it is killed, or until the thread that
    made it ends, even by SIGKILL. With a lock (a descriptor) it holds that too, and outlives us."""
    with_us = [] if lock is not None else ["setpriv", "--pdeathsig", "KILL"]
    holder = subprocess.Popen(
        [*with_us, "unshare", "--net", "sleep", "infinity"], env=environment, cwd=directory,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True, pass_fds=() if lock is None else (lock,))
    ours = os.readlink("/proc/self/ns/net")
    until(lambda: processes.namespace_of(holder.pid, "net") not in (ours, None), 20,
          what="a network namespace")
    return holder.pid


def mac_of(address):
    """Derived from the IPv4 address, so that a rebooted host keeps it, as a real one does."""
    return "02:64:" + ":".join(f"{int(part):02x}" for part in address.split("."))


class Network:
    """Addresses BASE.1 (the caller) and BASE.11, BASE.12 … (the hosts)."""

    def __init__(self, holder, base, uplink):
        self.holder = holder
        self.base = base
        self.uplink = uplink

    @classmethod
    def create(cls, directory, environment, lock=None):
        holder = hold_namespace(directory, environment, lock)
        uplink = "dh" + random.Random().randbytes(5).hex()  # At most 15 characters.
        network = cls(holder, None, uplink)
        network.ip(f"link add {uplink} type veth peer name outside netns {holder}", inside=False)
        network.ip("link set lo up\nlink add switch type bridge\nlink set switch up\n"
                   "link set outside master switch\nlink set outside up")
        # One at a time, so that two labs cannot choose the same addresses.
        with open(pathlib.Path(tempfile.gettempdir()) / "dockherd-lab.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            network.base = cls._free_base()
            network.ip(f"addr add {network.base}.1/24 brd + dev {uplink}\nlink set {uplink} up",
                       inside=False)
        return network

    @staticmethod
    def _free_base():
        routes = processes.run(["ip", "-4", "route", "show", "table", "all"]).stdout
        for _ in range(1000):
            base = f"10.{random.randint(64, 250)}.{random.randint(0, 255)}"
            if f"{base}." not in routes:
                return base
        raise RuntimeError("no free 10.x.y.0/24 found")

    @property
    def namespace(self):
        return f"/proc/{self.holder}/ns/net"

    def address(self, number):
        return f"{self.base}.{10 + number}"

    def ip(self, commands, inside=True, namespace=None):
        """Runs the lines of `commands` as one `ip -batch`."""
        enter = [] if not inside else ["nsenter", f"--net={namespace or self.namespace}"]
        processes.run(enter + ["ip", "-batch", "-"], stdin=commands + "\n")

    def plug(self, number, init, neighbours=()):
        """Gives the host with the first process `init` its eth0. Static ARP for `neighbours`."""
        address = self.address(number)
        self.ip(f"link add port{number} type veth peer name eth0 address {mac_of(address)}"
                f" netns {init}\nlink set port{number} master switch\nlink set port{number} up")
        lines = [f"addr add {address}/24 brd + dev eth0", "link set eth0 up",
                 f"route add default via {self.base}.1"]
        self.ip("\n".join(lines), namespace=f"/proc/{init}/ns/net")
        self.introduce(number, init, neighbours)

    def introduce(self, number, init, neighbours):
        """Static ARP entries for `neighbours` in the host with the first process `init`."""
        lines = [f"neigh replace {self.address(other)} lladdr {mac_of(self.address(other))}"
                 f" dev eth0 nud permanent" for other in neighbours if other != number]
        if lines:
            self.ip("\n".join(lines), namespace=f"/proc/{init}/ns/net")

    def unplug(self, number):
        """Takes the cable of a dead host away, should the kernel not have done so yet."""
        processes.run(["nsenter", f"--net={self.namespace}", "ip", "link", "del",
                       f"port{number}"], check=False)

    def cut(self, number):
        self.ip(f"link set port{number} down")

    def heal(self, number):
        self.ip(f"link set port{number} up")

    def split(self, *groups):
        """Hosts of different groups no longer hear each other; the caller reaches the first."""
        lines = []
        for index, group in enumerate(groups[1:], start=1):
            lines += [f"link add half{index} type bridge", f"link set half{index} up"]
            lines += [f"link set port{number} master half{index}" for number in group]
        self.ip("\n".join(lines))

    def rejoin(self, numbers):
        """Ends a split; does nothing when there is none."""
        self.ip("\n".join(f"link set port{number} master switch" for number in numbers))
        links = processes.run(["nsenter", f"--net={self.namespace}", "ip", "-o", "link"]).stdout
        for half in re.findall(r"\bhalf\d+\b", links):
            self.ip(f"link del {half}")
