"""A ZRE peer that is none of ours, inside a host of the herd: tests/fakes/zre_peer.py, driven."""

import itertools
import json
import signal
import subprocess

from herdlab import processes, until
from herdlab.agent import ROOT

PEER = ROOT / "tests/fakes/zre_peer.py"
CLUSTER = "deblox.docker"  # The endpoint of every agent; CLUSTER.HOSTNAME is that of one.


class ForeignPeer:
    """Use as a context manager: at its end it says goodbye, and has to have met nothing that breaks
    the protocol. kill() and end() before that are ends of other kinds."""

    _numbers = itertools.count(1)

    def __init__(self, host, beacons=False, headers=None):
        self.name = f"foreign{next(self._numbers)}"
        self._log = host.directory / f"{self.name}.out"
        command = ["/usr/bin/python3", "-u", PEER, "--name", self.name]
        command += ["--interface", host.address] if beacons else []
        for header, value in (headers or {}).items():
            command += ["--header", f"{header}={value}"]
        self._wrapper, self._pid = host.spawn(*command, log=self._log, stdin=subprocess.PIPE)
        self._asked = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self._wrapper is None:
            return
        if kind is None:
            self.end()
        else:
            self.kill()

    def end(self):
        """SIGTERM, upon which it says goodbye."""
        processes.send_signal(self._pid, signal.SIGTERM)
        self._reap()
        assert self._code == 0, self._log.read_text()[-3000:]
        assert not self.seen("VIOLATION"), self.seen("VIOLATION")

    def kill(self):
        processes.send_signal(self._pid, signal.SIGKILL)
        self._reap()

    def _reap(self):
        self._code = self._wrapper.wait(60)
        self._wrapper.stdin.close()
        self._wrapper = None

    # What it sees ---------------------------------------------------------------------------------

    def events(self):
        *lines, _ = self._log.read_text().split("\n")  # The last may not be complete.
        return [json.loads(line) for line in lines]

    def seen(self, kind, **fields):
        return [event for event in self.events() if event["event"] == kind
                and all(event.get(key) == value for key, value in fields.items())]

    def expect(self, kind, count=1, seconds=60, **fields):
        """Waits for so many of these events, and returns all of them."""
        until(lambda: len(self.seen(kind, **fields)) >= count, seconds,
              what=f"{self.name} sees {count} {kind} {fields}")
        return self.seen(kind, **fields)

    def expect_herd(self, agents):
        """The agents have entered, and each is in the cluster's group."""
        for agent in agents:
            self.expect("ENTER", name=agent.name)
            self.expect("JOIN", name=agent.name, group=CLUSTER)

    def uuid_of(self, name):
        return self.seen("ENTER", name=name)[-1]["peer"]

    # What it does ---------------------------------------------------------------------------------

    def command(self, line):
        self._wrapper.stdin.write(line.encode() + b"\n")
        self._wrapper.stdin.flush()

    def _request(self, verb, timeout_ms, **more):
        identity = f"{self.name}-{next(self._asked)}"
        return identity, json.dumps({"dockherd": "request", "id": identity, "timeout": timeout_ms,
                                     "body": verb, **more})

    def replies(self, identity):
        found = []
        for event in self.seen("WHISPER"):
            content = json.loads(event["content"][0])
            if content.get("dockherd") == "reply" and content["id"] == identity:
                found.append({**content, "from": event["name"]})
        return found

    def _reply(self, identity, verb):
        until(lambda: self.replies(identity), 90, what=f"a reply to {verb}")
        return self.replies(identity)[0]

    def whisper(self, agent_name, verb, timeout_ms=60_000, **more):
        """Asks one agent; returns its reply: {"status", "body", "from", …}."""
        identity, text = self._request(verb, timeout_ms, **more)
        self.command(f"WHISPER {self.uuid_of(agent_name)} {text}")
        return self._reply(identity, verb)

    def shout(self, group, verb, timeout_ms=60_000, **more):
        """Asks a group; returns the first reply. See replies_by_request() for further ones."""
        identity, text = self._request(verb, timeout_ms, **more)
        self.command(f"SHOUT {group} {text}")
        return self._reply(identity, verb)

    def replies_by_request(self):
        """How many replies each request has had so far: identity -> number."""
        counts = {}
        for event in self.seen("WHISPER"):
            content = json.loads(event["content"][0])
            if content.get("dockherd") == "reply":
                counts[content["id"]] = counts.get(content["id"], 0) + 1
        return counts
