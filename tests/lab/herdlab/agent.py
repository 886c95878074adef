"""One dockherd agent of a lab: its configuration, its life, and asking it."""

import json
import os
import pathlib
import signal
import subprocess

from . import client, processes
from .polling import until

ROOT = pathlib.Path(__file__).resolve().parents[3]


def find_binaries(given=None):
    """Where dockherd and fake_dockerd are: as given, $DOCKHERD_BIN, or the newest build."""
    if given or os.environ.get("DOCKHERD_BIN"):
        return pathlib.Path(given or os.environ["DOCKHERD_BIN"]).resolve()
    builds = [ROOT / "build" / preset for preset in ("dev", "release", "sanitize")]
    found = [path for path in builds if (path / "dockherd").exists()]
    return max(found, key=lambda path: (path / "dockherd").stat().st_mtime, default=builds[0])


class Agent:
    """An agent in a host of a lab, or on this machine's loopback when `host` is None.

    `conf` are keys for conf.json (merged over what a lab needs), `cluster` the text of a cluster
    file, `arguments` more of the command line, `tls` the ssl.SSLContext by which it is asked. Not
    started by construction.
    """

    def __init__(self, host, name=None, directory=None, address=None, port=8080, conf=None,
                 cluster=None, arguments=("--insecure",), program=None, environment=None,
                 tls=None):
        self.host = host
        self.name = name or host.name
        self.address = address or host.address
        self.port = port
        self.directory = pathlib.Path(directory or host.directory)
        self.program = program or host.lab.program("dockherd")
        self.conf = {"hostname": self.name, "restServicePort": port,
                     "templates": str(ROOT / "templates"), **(conf or {})}
        self.cluster = cluster
        self.arguments = list(arguments)
        self.environment = environment
        self.tls = tls
        self.pid = None
        self._wrapper = None

    # Life -------------------------------------------------------------------------------------

    @property
    def log(self):
        return self.directory / f"{self.name}.log"

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def command(self):
        conf = self.directory / f"{self.name}.json"
        conf.write_text(json.dumps(self.conf, indent=2))
        command = [self.program, "agent", "--conf", conf]
        if self.cluster is not None:
            cluster = self.directory / f"{self.name}.cluster"
            cluster.write_text(self.cluster)
            command += ["--cluster", cluster]
        return [str(part) for part in command + self.arguments]

    def move_to(self, port):
        """Another port, from the next start on."""
        self.port = self.conf["restServicePort"] = port

    def begin(self):
        """Starts the program and does not wait."""
        if self.host:
            self._wrapper, self.pid = self.host.spawn(*self.command(), log=self.log,
                                                      more_environment=self.environment)
        else:
            with open(self.log, "ab") as log:
                self._wrapper = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", *self.command()], cwd="/",
                    env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.pid = self._wrapper.pid

    def wait_until_up(self, seconds=60):
        def answers():
            if not self.alive:
                raise RuntimeError(f"the agent {self.name} ended:\n{self.log_text()[-4000:]}")
            return self.get("/", timeout=2).status == 200

        until(answers, seconds, what=f"the agent {self.name} answers")

    def start(self):
        self.begin()
        self.wait_until_up()
        return self

    @property
    def alive(self):
        return self._wrapper is not None and self._wrapper.poll() is None

    def reap(self, seconds=30):
        """The exit code, after the process was told to end; -9 and the like for signals."""
        if self._wrapper is None:
            return None
        code = self._wrapper.wait(seconds)
        self._wrapper = None
        self.pid = None
        return code

    def kill(self):
        """kill -9."""
        if self.alive and self.pid:
            processes.send_signal(self.pid, signal.SIGKILL)
            return self.reap()
        return None

    def stop(self, seconds=60):
        """SIGTERM; returns the exit code of an orderly end."""
        if self.alive and self.pid:
            processes.send_signal(self.pid, signal.SIGTERM)
            return self.reap(seconds)
        return None

    def pause(self):
        processes.freeze(self.pid)

    def resume(self):
        processes.thaw(self.pid)

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    # Asking -----------------------------------------------------------------------------------

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    def request(self, method="GET", target="/", body=None, headers=None, timeout=30):
        return client.request(self.address, self.port, method, target, body, headers,
                              self.host.net if self.host else None, timeout, self.tls)

    def open_socket(self, timeout=30):
        return client.open_socket(self.address, self.port, self.host.net if self.host else None,
                                  timeout)

    def get(self, target="/", timeout=30):
        return self.request("GET", target, timeout=timeout)

    def verb(self, action, timeout_seconds=30, **fields):
        """POST / with {"action": action, ...}."""
        body = json.dumps({"action": action, **fields})
        return self.request("POST", "/", body, {"Content-Type": "application/json"},
                            timeout_seconds)

    def nodes(self):
        """What list-nodes says: hostname -> entry."""
        return {entry["hostname"]: entry for entry in self.verb("list-nodes").json["nodes"]}
