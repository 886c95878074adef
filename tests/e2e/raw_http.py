"""HTTP byte by byte: for clients that behave as no library does."""

import os
import socket
import struct

END_OF_HEAD = b"\r\n\r\n"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}


class RawClient:
    """One connection to an agent, as a context manager. Sends what it is told to, and keeps what was
    read too far in `rest`."""

    def __init__(self, agent, timeout=60):
        self.socket = agent.open_socket(timeout)
        self.host = f"{agent.address}:{agent.port}"
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)
        return self

    def head(self, method, target, headers=None, body=None):
        """Sends a request's head, and the body if it is given."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}"]
        fields = dict(headers or {})
        if body is not None:
            fields.setdefault("Content-Length", len(body))
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return self.send("\r\n".join(lines).encode() + END_OF_HEAD + (body or b""))

    def read(self):
        """Some bytes; none when the other side has ended."""
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        try:
            return self.socket.recv(1 << 16)
        except ConnectionResetError:
            return b""

    def read_until(self, mark):
        """All up to the mark, and with it; shorter when the other side has ended before."""
        data = b""
        while mark not in data:
            piece = self.read()
            if not piece:
                return data
            data += piece
        end = data.index(mark) + len(mark)
        self.rest = data[end:]
        return data[:end]

    def read_head(self):
        """The status and the headers by their names in small letters."""
        lines = self.read_until(END_OF_HEAD).decode().split("\r\n")
        assert lines[0].startswith("HTTP/1."), lines
        return int(lines[0].split()[1]), {
            name.strip().lower(): value.strip() for name, _, value in
            (line.partition(":") for line in lines[1:] if line)}

    def read_to_end(self):
        data = b""
        while piece := self.read():
            data += piece
        return data

    def read_body(self, headers):
        """By its length, its chunks or to the end."""
        if "chunked" in headers.get("transfer-encoding", ""):
            data = b""
            while size := int(self.read_until(b"\r\n"), 16):
                data += self._read_exactly(size + 2)[:-2]
            self.read_until(b"\r\n")
            return data
        if "content-length" in headers:
            return self._read_exactly(int(headers["content-length"]))
        return self.read_to_end()

    def _read_exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.read()
            assert piece, f"ended after {len(data)} of {size} bytes"
            data += piece
        data, self.rest = data[:size], data[size:] + self.rest
        return data

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection as a crash does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def frames(data):
    """Docker's multiplexed output: stream number -> text."""
    found = {}
    while len(data) >= 8:
        length = int.from_bytes(data[4:8], "big")
        found[data[0]] = found.get(data[0], b"") + data[8:8 + length]
        data = data[8 + length:]
    return {number: text.decode(errors="replace") for number, text in found.items()}


def open_sockets(agent):
    """How many sockets the agent's process has."""
    count = 0
    folder = f"/proc/{agent.pid}/fd"
    for number in os.listdir(folder):
        try:
            count += os.readlink(f"{folder}/{number}").startswith("socket:")
        except FileNotFoundError:
            pass  # Closed meanwhile.
    return count
