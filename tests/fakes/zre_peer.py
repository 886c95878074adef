#!/usr/bin/python3
"""A ZRE peer that tolerates nothing, for tests: as a library, and as a program.

    zre_peer.py [--interface lo] [--name NAME] [--group GROUP]... [--for SECONDS]

prints a JSON line for each thing that it sees: {"event":"ENTER","peer":UUID,"name":…,…}. The
protocol itself is in docs/examples/herd_client.py; here a wrong sequence number, a wrong status or
a frame that cannot be read raises ProtocolError (exit code 3), as deployed C peers abort. With
--interface it also sends beacons, as every ZRE peer does. A line on standard input acts:
"WHISPER UUID TEXT", "SHOUT GROUP TEXT", "JOIN GROUP", "LEAVE GROUP"; "RAW UUID HEX" sends a frame
that need not be one of the protocol, outside its numbering.
"""

import argparse
import fcntl
import ipaddress
import json
import os
import pathlib
import select
import signal
import socket
import struct
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs/examples"))

from herd_client import BEACON_PORT, Zre  # noqa: E402

SIOCGIFADDR, SIOCGIFNETMASK = 0x8915, 0x891B


class ProtocolError(Exception):
    """The other side broke RFC 36."""


def addresses_of(interface):
    """Address and directed broadcast address of an interface, given by name or address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            try:
                address = socket.inet_ntoa(fcntl.ioctl(probe, SIOCGIFADDR, request)[20:24])
                mask = socket.inet_ntoa(fcntl.ioctl(probe, SIOCGIFNETMASK, request)[20:24])
            except OSError:
                continue
            if interface in (name, address):
                network = ipaddress.ip_network(f"{address}/{mask}", strict=False)
                return address, str(network.broadcast_address)
    raise SystemExit(f"no interface {interface}")


class StrictPeer(Zre):
    """Raises ProtocolError from poll() at the first thing that a C peer would not accept."""

    def __init__(self, name="zre_peer", interface=None, beacon_port=BEACON_PORT, headers=None):
        super().__init__(name, headers=headers, beacon_port=beacon_port)
        self.sender, self.everyone, self.next_beacon = None, None, 0.0
        if interface:
            address, broadcast = addresses_of(interface)
            self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self.sender.bind((address, beacon_port))
            self.everyone = (broadcast, beacon_port)

    def violated(self, peer, what):
        raise ProtocolError(f"peer {peer.id.hex} {peer.name!r}: {what}")

    def poll(self, seconds):
        if self.sender and time.monotonic() >= self.next_beacon:
            self.beacon(self.port)
            self.next_beacon = time.monotonic() + 1.0
        events = super().poll(seconds)
        for event in events:
            if event[0] in ("WHISPER", "SHOUT") and not event[-1]:
                self.violated(event[1], f"{event[0]} without content")
        return events

    def beacon(self, port):
        try:
            self.sender.sendto(b"ZRE\x01" + self.id.bytes + port.to_bytes(2, "big"), self.everyone)
        except OSError:
            pass  # The interface is down: the next one may leave.

    def run_until(self, happened, seconds=10.0):
        """All events until `happened(events)` is true; TimeoutError when it never is."""
        events, deadline = [], time.monotonic() + seconds
        while not happened(events):
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {[describe(event) for event in events]}")
            events += self.poll(0.05)
        return events

    def close(self):
        if self.sender:
            self.beacon(0)
            self.sender.close()
        super().close()


def describe(event):
    """An event as a dictionary that JSON can hold."""
    kind, peer, *rest = event
    line = {"event": kind, "peer": peer.id.hex.upper(), "name": peer.name}
    if kind == "ENTER":
        line.update(endpoint=peer.endpoint, headers=peer.headers)
    elif kind in ("JOIN", "LEAVE", "SHOUT"):
        line["group"] = rest[0]
    elif kind == "EXIT":
        line["reason"] = rest[0]
    if kind in ("WHISPER", "SHOUT"):
        line["content"] = [frame.decode(errors="replace") for frame in rest[-1]]
    return line


def obey(peer, line):
    word, _, rest = line.strip().partition(" ")
    target, _, text = rest.partition(" ")
    if word == "WHISPER":
        peer.whisper(peer.peers[uuid.UUID(target)], text.encode())
    elif word == "SHOUT":
        peer.shout(target, text.encode())
    elif word == "JOIN":
        peer.join(target)
    elif word == "LEAVE":
        peer.leave(target)
    elif word == "RAW" and uuid.UUID(target) in peer.peers:  # It may have been dropped for the last.
        peer.peers[uuid.UUID(target)].dealer.send_multipart([bytes.fromhex(text)])


class CommandReader:
    """Whole lines from standard input, without ever waiting for one."""

    def __init__(self):
        self.descriptor, self.rest, self.open = sys.stdin.fileno(), b"", True

    def lines(self):
        if not self.open or not select.select([self.descriptor], [], [], 0)[0]:
            return []
        data = os.read(self.descriptor, 65536)
        self.open = bool(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def main():
    parser = argparse.ArgumentParser(description="A ZRE peer that tolerates nothing.")
    parser.add_argument("--interface", help="send beacons there too: a name or an address")
    parser.add_argument("--name", default="zre_peer")
    parser.add_argument("--group", action="append", default=[], help="join it")
    parser.add_argument("--port", type=int, default=BEACON_PORT, help="of beacons (UDP)")
    parser.add_argument("--endpoint", action="append", default=[], help="greet tcp://ADDRESS:PORT")
    parser.add_argument("--header", action="append", default=[], help="NAME=VALUE of its HELLO")
    parser.add_argument("--for", type=float, default=float("inf"), dest="seconds")
    arguments = parser.parse_args()

    headers = dict(header.split("=", 1) for header in arguments.header)
    peer = StrictPeer(arguments.name, arguments.interface, arguments.port, headers)
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    for group in arguments.group:
        peer.join(group)
    for endpoint in arguments.endpoint:
        peer.connect(endpoint)
    commands = CommandReader()
    deadline = time.monotonic() + arguments.seconds
    try:
        while not stopping and time.monotonic() < deadline:
            for event in peer.poll(0.05):
                print(json.dumps(describe(event)), flush=True)
            for line in commands.lines():
                obey(peer, line)
    except ProtocolError as error:
        print(json.dumps({"event": "VIOLATION", "what": str(error)}), flush=True)
        return 3
    peer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
