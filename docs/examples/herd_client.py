#!/usr/bin/python3
"""Asks a herd of dockherd agents over the bus, without HTTP.

    herd_client.py '{"action":"list-nodes"}'
    herd_client.py --address deblox.docker '{"action":"create-container","template":"test"}'
    herd_client.py --endpoint tcp://10.0.0.11:49152 '{"action":"list-containers","all":true}'

The verb is sent to the first agent that is found (or, with --address, to the members of that
endpoint: one of them acts), and the JSON reply is printed. The exit code is 0 when the reply's
status is below 400, 1 when it is not, 2 when there was no reply in time.

Agents are found by their beacons (UDP port 5670) on whatever interface these arrive, or by
--endpoint. The bus is ZRE, ZeroMQ's RFC 36: https://rfc.zeromq.org/spec/36/. Needs python3-zmq.
This file holds all that is needed to write a client of your own: the frames (encode, decode), a
peer (Zre), and at the end the few lines that use it.
"""

import argparse
import json
import random
import socket
import struct
import sys
import time
import uuid

import zmq

BEACON_PORT = 5670
HELLO, WHISPER, SHOUT, JOIN, LEAVE, PING, PING_OK = 1, 2, 3, 4, 5, 6, 7
GOODBYE = 10
EVASIVE, EXPIRED = 5.0, 30.0  # Seconds of silence until a PING, until the peer is dropped.


# ---- Frames: signature AA A1, id, version 2, sequence, fields. Numbers are big-endian. ----

def _string(text):
    data = text.encode()[:255]
    return bytes([len(data)]) + data


def _longstr(text):
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def encode(kind, sequence, *, group="", status=0, endpoint="", groups=(), name="", headers=None):
    """The first frame of a message."""
    frame = struct.pack(">HBBH", 0xAAA1, kind, 2, sequence)
    if kind == HELLO:
        frame += _string(endpoint) + struct.pack(">I", len(groups))
        frame += b"".join(_longstr(each) for each in groups)
        frame += bytes([status]) + _string(name) + struct.pack(">I", len(headers or {}))
        frame += b"".join(_string(k) + _longstr(v) for k, v in (headers or {}).items())
    elif kind in (SHOUT, JOIN, LEAVE):
        frame += _string(group)
        if kind != SHOUT:
            frame += bytes([status])
    return frame


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, size):
        return int.from_bytes(self.bytes(size), "big")

    def bytes(self, size):
        if self.at + size > len(self.data):
            raise ValueError("the frame ends too soon")
        self.at += size
        return self.data[self.at - size:self.at]

    def string(self):
        return self.bytes(self.number(1)).decode(errors="replace")

    def longstr(self):
        return self.bytes(self.number(4)).decode(errors="replace")


def decode(frame):
    """The fields of a first frame as a dictionary; ValueError when it is none."""
    reader = _Reader(frame)
    if reader.number(2) != 0xAAA1:
        raise ValueError("not a ZRE frame")
    kind, version = reader.number(1), reader.number(1)
    if version != 2 or kind not in (1, 2, 3, 4, 5, 6, 7, 10):
        raise ValueError(f"id {kind}, version {version}")
    message = {"kind": kind, "sequence": reader.number(2)}
    if kind == HELLO:
        message["endpoint"] = reader.string()
        message["groups"] = [reader.longstr() for _ in range(reader.number(4))]
        message["status"] = reader.number(1)
        message["name"] = reader.string()
        message["headers"] = {reader.string(): reader.longstr() for _ in range(reader.number(4))}
    elif kind in (SHOUT, JOIN, LEAVE):
        message["group"] = reader.string()
        if kind != SHOUT:
            message["status"] = reader.number(1)
    return message


def address_towards(host):
    """Our own address on the interface that leads to `host`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        return probe.getsockname()[0]


# ---- A peer on the bus ----

class Peer:
    """What we know of another node. Sequence numbers count per direction, modulo 65536."""

    def __init__(self, identity, endpoint, dealer):
        self.id, self.endpoint, self.dealer = identity, endpoint, dealer
        self.ready = False  # Its HELLO has come.
        self.name, self.headers, self.groups, self.status = "", {}, set(), 0
        self.sent, self.received = 0, 0
        self.last_heard = self.last_probed = time.monotonic()


class Zre:
    """A node of the bus: one ROUTER that all send to, one DEALER to each peer.

    Call poll() again and again; it returns what happened as tuples: ("ENTER", peer),
    ("EXIT", peer, reason), ("JOIN" or "LEAVE", peer, group), ("WHISPER", peer, frames),
    ("SHOUT", peer, group, frames).
    """

    def __init__(self, name, headers=None, beacon_port=BEACON_PORT, listen=True):
        self.id = uuid.uuid4()
        self.name, self.headers = name, headers or {}
        self.groups, self.status = set(), 0
        self.peers, self.dialled, self.events = {}, {}, []
        self.context = zmq.Context()
        self.inbox = self.context.socket(zmq.ROUTER)
        self.inbox.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self.port = self.inbox.bind_to_random_port("tcp://0.0.0.0")
        self.poller = zmq.Poller()
        self.poller.register(self.inbox, zmq.POLLIN)
        self.beacons = None
        if listen:
            self.beacons = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.beacons.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.beacons.bind(("", beacon_port))
            self.beacons.setblocking(False)
            self.poller.register(self.beacons, zmq.POLLIN)

    def poll(self, seconds):
        """Waits up to that long for something to happen."""
        ready = dict(self.poller.poll(seconds * 1000))
        if self.beacons and self.beacons.fileno() in ready:
            self._read_beacons()
        while self.inbox.poll(0):
            identity, *frames = self.inbox.recv_multipart()
            if len(identity) == 17 and identity[0] == 1 and frames:
                self._receive(uuid.UUID(bytes=identity[1:]), frames)
        self._look_after_silent_peers()
        events, self.events = self.events, []
        return events

    def connect(self, endpoint):
        """Greets whoever listens there; its HELLO tells who it is."""
        if endpoint not in self.dialled:
            self.dialled[endpoint] = self._greet(None, endpoint)

    def join(self, group):
        self._change_groups(JOIN, group)

    def leave(self, group):
        self._change_groups(LEAVE, group)

    def whisper(self, peer, *frames):
        self._send(peer, WHISPER, frames)

    def shout(self, group, *frames):
        """To every peer that has joined the group."""
        for peer in self.members(group):
            self._send(peer, SHOUT, frames, group=group)

    def members(self, group):
        return [peer for peer in self.peers.values() if peer.ready and group in peer.groups]

    def close(self):
        """Says GOODBYE, then leaves."""
        for peer in list(self.peers.values()):
            self._send(peer, GOODBYE)
        time.sleep(0.1)  # The end of a connection may be seen before what came by it.
        self.context.destroy(linger=300)
        if self.beacons:
            self.beacons.close()

    def violated(self, peer, what):
        """A peer broke the protocol: it is dropped, and welcome with a new HELLO."""
        self._drop(peer, what)

    # What follows is the protocol itself.

    def _greet(self, identity, endpoint):
        """Connects and sends HELLO, always the first message, with sequence 1."""
        if identity:
            for peer in [each for each in self.peers.values() if each.endpoint == endpoint]:
                # It was restarted. Its old socket would connect to the new one in our name, again
                # and again, and so break the session that begins here.
                self._drop(peer, "another is at its endpoint")
        dealer = self.context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.IDENTITY, b"\x01" + self.id.bytes)
        dealer.setsockopt(zmq.LINGER, 300)
        dealer.connect(endpoint)
        peer = Peer(identity, endpoint, dealer)
        host = endpoint[len("tcp://"):].rpartition(":")[0]
        self._send(peer, HELLO, endpoint=f"tcp://{address_towards(host)}:{self.port}",
                   groups=sorted(self.groups), status=self.status, name=self.name,
                   headers=self.headers)
        return peer

    def _send(self, peer, kind, frames=(), **fields):
        peer.sent = (peer.sent + 1) % 65536
        try:
            peer.dealer.send_multipart([encode(kind, peer.sent, **fields), *frames], zmq.DONTWAIT)
        except zmq.Again:
            self._drop(peer, "it does not read")

    def _change_groups(self, kind, group):
        if (group in self.groups) == (kind == JOIN):
            return
        (self.groups.add if kind == JOIN else self.groups.discard)(group)
        self.status = (self.status + 1) % 256
        for peer in list(self.peers.values()):
            self._send(peer, kind, group=group, status=self.status)

    def _read_beacons(self):
        """22 bytes: "ZRE", version 1, UUID, port of the mailbox; port 0 when it leaves."""
        while True:
            try:
                data, (host, _) = self.beacons.recvfrom(64)
            except BlockingIOError:
                return
            if len(data) != 22 or data[:4] != b"ZRE\x01" or data[4:20] == self.id.bytes:
                continue
            identity, port = uuid.UUID(bytes=data[4:20]), int.from_bytes(data[20:], "big")
            peer = self.peers.get(identity)
            if port == 0 and peer:
                self._drop(peer, "beacon")
            elif port != 0 and not peer:
                self.peers[identity] = self._greet(identity, f"tcp://{host}:{port}")

    def _receive(self, identity, frames):
        try:
            message = decode(frames[0])
        except ValueError as error:
            peer = self.peers.get(identity)
            if peer:
                self.violated(peer, str(error))
            return
        peer = self.peers.get(identity)
        if message["kind"] == HELLO:
            peer = self._welcome(identity, message)
        if not peer or not peer.ready:
            return  # Nothing counts before a HELLO.
        peer.received = (peer.received + 1) % 65536
        if message["sequence"] != peer.received:
            self.violated(peer, f"sequence {message['sequence']} instead of {peer.received}")
            return
        peer.last_heard = peer.last_probed = time.monotonic()
        self._handle(peer, message, frames[1:])

    def _welcome(self, identity, hello):
        peer = self.peers.get(identity)
        if peer and peer.ready:  # It begins anew, and so do we.
            self._drop(peer, "a new HELLO")
            peer = None
        if not peer:
            peer = self.dialled.pop(hello["endpoint"], None)
            peer = peer or self._greet(identity, hello["endpoint"])
            peer.id = identity
            self.peers[identity] = peer
        peer.ready, peer.received = True, 0
        peer.name, peer.headers, peer.status = hello["name"], hello["headers"], hello["status"]
        peer.endpoint = hello["endpoint"]
        return peer

    def _handle(self, peer, message, content):
        kind = message["kind"]
        if kind == HELLO:
            self.events.append(("ENTER", peer))
            for group in message["groups"]:
                peer.groups.add(group)
                self.events.append(("JOIN", peer, group))
        elif kind in (JOIN, LEAVE):
            (peer.groups.add if kind == JOIN else peer.groups.discard)(message["group"])
            peer.status = (peer.status + 1) % 256
            self.events.append(("JOIN" if kind == JOIN else "LEAVE", peer, message["group"]))
            if message["status"] != peer.status:
                self.violated(peer, f"status {message['status']} instead of {peer.status}")
        elif kind == WHISPER:
            self.events.append(("WHISPER", peer, content))
        elif kind == SHOUT:
            self.events.append(("SHOUT", peer, message["group"], content))
        elif kind == PING:
            self._send(peer, PING_OK)
        elif kind == GOODBYE:
            self._drop(peer, "goodbye")

    def _look_after_silent_peers(self):
        now = time.monotonic()
        for peer in list(self.peers.values()):
            if now - peer.last_heard > EXPIRED:
                self._drop(peer, "silence")
            elif peer.ready and now - peer.last_probed > EVASIVE:
                peer.last_probed = now
                self._send(peer, PING)

    def _drop(self, peer, reason):
        if self.peers.get(peer.id) is peer:
            del self.peers[peer.id]
            if peer.ready:
                self.events.append(("EXIT", peer, reason))
        peer.dealer.close()


# ---- The client ----

def find_members(bus, address, herd, deadline):
    """The agents to send to: the members of `address`, or the first agent that greets us."""
    while time.monotonic() < deadline:
        bus.poll(0.05)
        agents = [peer for peer in bus.peers.values()
                  if peer.ready and "X-DOCKHERD-VERSION" in peer.headers
                  and herd in (None, peer.headers.get("X-DOCKHERD-HERD"))]
        if address:
            agents = [peer for peer in agents if address in peer.groups]
        if agents:
            return agents if address else agents[:1]
    return []


def ask(bus, agents, address, verb, deadline):
    """Sends the request and returns the envelope of the reply, or None."""
    request = {"dockherd": "request", "id": f"{random.getrandbits(64):016x}", "scope": "herd",
               "timeout": max(1, int(1000 * (deadline - time.monotonic()))), "body": verb}
    if address:
        request.update(deliver="one", one_of=[peer.id.hex.upper() for peer in agents])
        bus.shout(address, json.dumps(request).encode())
    else:
        bus.whisper(agents[0], json.dumps(request).encode())
    while time.monotonic() < deadline:
        for event, _, *rest in bus.poll(0.05):
            if event != "WHISPER" or not rest[0]:
                continue
            try:
                reply = json.loads(rest[0][0])
            except ValueError:
                continue
            if isinstance(reply, dict) and reply.get("dockherd") == "reply" \
                    and reply.get("id") == request["id"]:
                return reply
    return None


def main():
    parser = argparse.ArgumentParser(description="Asks a herd of dockherd agents over the bus.")
    parser.add_argument("verb", type=json.loads, help="""for instance '{"action":"list-nodes"}'""")
    parser.add_argument("--address", help="an endpoint of the bus: one of its members acts")
    parser.add_argument("--endpoint", action="append", default=[],
                        help="tcp://ADDRESS:PORT of an agent's bus, where beacons do not reach")
    parser.add_argument("--herd", help="only agents of this herd")
    parser.add_argument("--timeout", type=float, default=10, help="seconds (default 10)")
    arguments = parser.parse_args()

    deadline = time.monotonic() + arguments.timeout
    bus = Zre("herd_client", listen=not arguments.endpoint)
    for endpoint in arguments.endpoint:
        bus.connect(endpoint)
    agents = find_members(bus, arguments.address, arguments.herd, deadline)
    reply = agents and ask(bus, agents, arguments.address, arguments.verb, deadline)
    bus.close()
    if not reply:
        print("no reply" if agents else "no agent found", file=sys.stderr)
        return 2
    print(json.dumps(reply["body"], indent=2))
    return 0 if reply["status"] < 400 else 1


if __name__ == "__main__":
    sys.exit(main())
