"""Many agents on one machine, of dockherd or of serf, on the loopback of a network namespace of
their own: nobody else's traffic is there to be heard or counted."""

import ctypes
import fcntl
import json
import os
import pathlib
import selectors
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

from herdlab import processes, until
from herdlab.daemon import ask
from herdlab.network import entered

from .usage import cpu_seconds, memory

# What an agent logs of a member -> whether it is there from then on. The word after it is its name.
MARKS = {
    b" peer joined name=": True,
    b" peer lost name=": False,
    b" EventMemberJoin: ": True,
    b" EventMemberFailed: ": False,
    b" EventMemberLeave: ": False,
}

PREFIX = "dockherd-pack-"
_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def dying_with_us():
    """What a child does before its program: it ends with the thread that made it, even by SIGKILL,
    and at once when that is gone already."""
    parent = os.getpid()

    def in_child():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child


def hold_namespace(environment):
    """A process that holds a new network namespace until it is killed, or the caller ends."""
    holder = subprocess.Popen(
        ["unshare", "--net", "sleep", "infinity"], env=environment, cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=dying_with_us())
    ours = os.readlink("/proc/self/ns/net")
    until(lambda: processes.namespace_of(holder.pid, "net") not in (ours, None),
          what="a network namespace")
    return holder


def sweep():
    """Removes the directories of packs whose maker was killed: nobody holds their lock any more."""
    for lock in pathlib.Path(tempfile.gettempdir()).glob(PREFIX + "*/lock"):
        try:
            with open(lock, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            continue  # In use, or being removed by someone else.


class Views:
    """Who sees whom, read from the agents' logs as they write them: the same instrument for all."""

    def __init__(self):
        self.seen = {}     # Observer -> names that it sees now.
        self.changes = []  # (monotonic time, observer, name, present)
        self._selector = selectors.DefaultSelector()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def follow(self, observer, descriptor):
        os.set_blocking(descriptor, False)
        self.seen[observer] = set()
        self._selector.register(descriptor, selectors.EVENT_READ, [observer, b""])

    def close(self):
        self._ended = True
        self._thread.join()

    def _read(self):
        while not self._ended:
            if not self._selector.get_map():
                time.sleep(0.001)
                continue
            for key, _ in self._selector.select(0.02):
                try:
                    data = os.read(key.fd, 65536)
                except BlockingIOError:
                    continue
                if not data:
                    self._selector.unregister(key.fd)
                    continue
                *lines, key.data[1] = (key.data[1] + data).split(b"\n")
                now = time.monotonic()
                for line in lines:
                    self._take(now, key.data[0], line)

    def _take(self, now, observer, line):
        for mark, present in MARKS.items():
            _, found, rest = line.partition(mark)
            if not found:
                continue
            name = rest.split()[0].decode()
            (self.seen[observer].add if present else self.seen[observer].discard)(name)
            self.changes.append((now, observer, name, present))

    def wait(self, reached, seconds, what):
        """The time of the change by which reached() became true."""
        until(reached, seconds, what, interval=0.01)
        return self.changes[-1][0]

    def wait_until_whole(self, names, seconds, what):
        """The time at which each of `names` saw all the others."""
        wanted = set(names)

        def whole():
            return all(wanted - {name} <= self.seen[name] for name in names)

        until(whole, seconds, what, interval=0.01)
        last = {(observer, name): when for when, observer, name, present in list(self.changes)
                if present and observer in wanted and name in wanted and observer != name}
        return max(last.values())

    def wait_until_lost(self, name, observers, since, seconds, what):
        """The time at which each of `observers` had given `name` up."""
        def lost():
            return all(name not in self.seen[observer] for observer in observers)

        until(lost, seconds, what, interval=0.01)
        return max(when for when, observer, other, present in list(self.changes)
                   if other == name and not present and observer in observers and when >= since)


class Pack:
    """Use as a context manager; children end with this process, even by SIGKILL. `seconds` is how
    long the pack took to be whole, from the start of its first agent; `seconds_after_launch`, from
    when the last had been started."""

    def __init__(self, bench, kind, count, containers_each=0):
        self.kind = kind
        self.names = [f"n{number}" for number in range(1, count + 1)]
        self.views = Views()
        self.processes = {}
        self.seconds = self.seconds_after_launch = None
        self._bench = bench
        self._containers = containers_each
        sweep()
        self._temporary = tempfile.TemporaryDirectory(prefix=PREFIX)
        self.directory = pathlib.Path(self._temporary.name)
        # Held for as long as this process lives, and by none of its children.
        self._lock = open(self.directory / "lock", "wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._environment = processes.clean_environment(self.directory)
        self._all = []
        self._holder = None

    def __enter__(self):
        try:
            self._holder = hold_namespace(self._environment)
            self._all.append(self._holder)
            self.net = f"/proc/{self._holder.pid}/ns/net"
            self._run("ip", "link", "set", "lo", "up").wait()
            if self.kind == "dockherd":
                self.start_daemons()
            begin = time.monotonic()
            for name in self.names:
                self.start(name)
                if self.kind == "serf" and name == self.names[0]:
                    until(lambda: self.views.seen[name], 20, "the first serf runs", 0.002)
            launched = time.monotonic()
            whole = self.views.wait_until_whole(self.names, 120, f"a pack of {len(self.names)}")
            self.seconds = whole - begin
            self.seconds_after_launch = max(0.0, whole - launched)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self._all:
            process.kill()
        for process in self._all:
            process.wait()
        self.views.close()
        self._temporary.cleanup()
        self._lock.close()

    def _run(self, *command, output=subprocess.DEVNULL):
        # Neither nsenter nor setpriv: their start would be most of what a pack takes to be whole.
        with entered(self.net):
            process = subprocess.Popen(
                list(map(str, command)), cwd="/", env=self._environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, preexec_fn=dying_with_us())
        self._all.append(process)
        return process

    def start_daemons(self):
        """One process that plays all daemons."""
        self._run(self._bench.program("fake_dockerd"), "--socket-dir", self.directory,
                  "--instances", max(2, len(self.names)), "--name", "n", "--containers",
                  self._containers)
        until(lambda: ask(self.socket_of(self.names[-1]), "GET", "/_ping")[0] == 200, 20,
              "fake daemons")

    def socket_of(self, name):
        return self.directory / f"{name[1:]}.sock"

    def port_of(self, name):
        return 8000 + int(name[1:])

    def start(self, name):
        command = self._dockherd(name) if self.kind == "dockherd" else self._serf(name)
        process = self._run(*command, output=subprocess.PIPE)
        self.processes[name] = process
        self.views.follow(name, process.stdout.fileno())

    def _dockherd(self, name):
        conf = self.directory / f"{name}.json"
        conf.write_text(json.dumps({"hostname": name, "restServicePort": self.port_of(name),
                                    "docker": f"unix://{self.socket_of(name)}"}))
        return [self._bench.program("dockherd"), "agent", "--conf", conf]

    def _serf(self, name):
        number = int(name[1:])
        command = ["serf", "agent", f"-node={name}", f"-bind=127.0.0.1:{20000 + number}",
                   f"-rpc-addr=127.0.0.1:{21000 + number}"]
        return command + ([] if number == 1 else ["-join=127.0.0.1:20001"])

    # Figures ------------------------------------------------------------------------------------

    def bytes_sent(self):
        """Over the namespace's loopback by all, headers included."""
        text = pathlib.Path(f"/proc/{self._holder.pid}/net/dev").read_text(encoding="ascii")
        line = next(line for line in text.splitlines() if line.strip().startswith("lo:"))
        return int(line.split()[9])

    def cpu_seconds(self):
        """Of all agents together, since their start."""
        return sum(cpu_seconds(process.pid) for process in self.processes.values())

    def memory(self):
        """Mean bytes of an agent: (resident, private)."""
        each = [memory(process.pid) for process in self.processes.values()]
        return tuple(statistics.mean(values) for values in zip(*each))
