"""The same calls to two Docker Engine APIs, and where their answers differ.

Pure but for Side.ask(). The calls are in differential_calls.py, the differences that are meant in
differential_table.py.
"""

import base64
import io
import json
import re
import socket
import tarfile

# What a client may rely on. Others, as Date and Server, say who answered.
HEADERS = ("content-type", "api-version", "ostype", "docker-experimental", "builder-version",
           "cache-control", "pragma", "x-docker-container-path-stat", "upgrade")
# Numbers that are the machine's or the moment's: only that there is one is compared.
MOMENTARY = re.compile(
    r"^(Created|time|timeNano|Pid|PPid|mtime|NFd|NGoroutines|NEventsListener|MemTotal|SystemTime|"
    r"ContainersRunning|SizeRw|SizeRootFs|VirtualSize|Size|SharedSize|LayersSize|Sequence|"
    r"system_cpu_usage|total_usage|usage_in_\w+|percpu_usage|usage|max_usage|value|limit|\w*pgfault|"
    r"\w*pgmajfault|\w*pgpg\w+|\w*rss|\w*cache|\w*file|\w*anon|current|[rt]x_\w+|read|"
    r"preread|num_procs)$")


class Call:
    """One request. `{name}` in target, body and headers stands for an id that an earlier call kept;
    keep is the name under which the id in this one's answer is kept."""

    def __init__(self, method, target, body=None, headers=None, keep=None, chunked=False,
                 protocol="HTTP/1.1", times=1, patient=False):
        self.method = method
        self.target = target
        self.body = body
        self.headers = dict(headers or {})
        self.keep = keep
        self.chunked = chunked
        self.protocol = protocol
        self.times = times
        self.patient = patient  # Asked again until it is answered so on the other side too.

    @property
    def name(self):
        body = json.dumps(self.body) if isinstance(self.body, (dict, list)) else (
            f"{len(self.body)} bytes" if isinstance(self.body, bytes) else self.body)
        return " ".join(filter(None, (self.method, self.target, body,
                                      " ".join(f"{k}: {v}" for k, v in self.headers.items()))))

    def bytes(self, known):
        """As it goes over the wire; the server closes afterwards."""
        def fill(text):
            return re.sub(r"\{(\w+)(:\d+)?\}",
                          lambda match: known[match.group(1)][:int((match.group(2) or ":64")[1:])]
                          if match.group(1) in known else match.group(0), text)

        body = self.body
        headers = {"Host": "docker", "Connection": "close", **self.headers}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        content = b"" if body is None else body if isinstance(body, bytes) else fill(body).encode()
        if self.chunked:
            headers["Transfer-Encoding"] = "chunked"
            content = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in
                               (content[at:at + 1000] for at in range(0, len(content), 1000)))
            content += b"0\r\n\r\n"
        elif body is not None or self.method in ("POST", "PUT"):
            headers.setdefault("Content-Length", str(len(content)))
        head = f"{self.method} {fill(self.target)} {self.protocol}\r\n" + "".join(
            f"{key}: {fill(value)}\r\n" for key, value in headers.items() if value is not None)
        return head.encode() + b"\r\n" + content


class Answer:
    """What came back until the connection was closed."""

    def __init__(self, raw):
        head, _, rest = raw.partition(b"\r\n\r\n")
        while re.match(rb"HTTP/1.\d 100 ", head):
            head, _, rest = rest.partition(b"\r\n\r\n")
        lines = head.decode(errors="replace").split("\r\n")
        parts = lines[0].split(" ", 2)
        self.status = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.rest = rest  # As it was framed.
        self.body = (_unchunked(rest) if "chunked" in self.headers.get("transfer-encoding", "")
                     else rest)

    @property
    def json(self):
        return json.loads(self.body)


def _unchunked(data):
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            return whole + b" (no chunk: " + size[:100] + b")"
        if length == 0:
            return whole
        whole += data[:length]
        data = data[length + 2:]
    return whole + b" (without its end)"


class Side:
    """One of the two that are asked. `connect` opens a socket to it; `words` are patterns of what is
    its own, each with what it is called on both sides."""

    def __init__(self, connect, words):
        self._connect = connect
        self._words = words
        self.known = {}

    def ask(self, call):
        answer = None
        for _ in range(call.times):
            answer = self._ask_once(call)
        if call.keep and answer.status < 300:
            self.known[call.keep] = answer.json["Id"]
        return answer

    def _ask_once(self, call):
        with self._connect() as connection:
            connection.settimeout(40)
            connection.sendall(call.bytes(self.known))
            pieces = []
            try:
                while piece := connection.recv(1 << 16):
                    pieces.append(piece)
            except ConnectionResetError:
                pass  # A daemon that has answered before it read the whole body.
            except socket.timeout:
                pieces.append(b" (no end of it)")
            return Answer(b"".join(pieces))

    def plain(self, text):
        """Without what is this side's or this moment's own."""
        for name, identity in self.known.items():
            text = text.replace(identity, f"<{name}>").replace(identity[:12], f"<{name}>")
        for pattern, word in self._words:
            text = re.sub(pattern, word, text)
        for pattern, word in (
                (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
                (r"\b[0-9a-f]{64}\b", "<id>"), (r"\b[0-9a-f]{12}\b", "<short id>"),
                (r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<mac>"),
                (r"\b(Up|Exited \(\d+\)) (Less than a|About a|\d+) \w+( ago)?", r"\1 <while>"),
                (r"\b172\.\d+\.\d+\.\d+", "<ip>"), (r'"node":"[^"]+"', '"node":"<node>"'),
                (r"0x[0-9a-f]{6,}", "<address>"), (r"\b([A-Z2-7]{4}:){11}[A-Z2-7]{4}\b", "<engine id>"),
                (r"docker-(import|builder)-?\d+", r"docker-\1<number>"),
                (r"127\.0\.0\.1:\d{5}", "<local port>")):
            text = re.sub(pattern, word, text)
        return text


# Comparing ----------------------------------------------------------------------------------------

def view(side, call, answer):
    """The answer as a document of what matters: status, headers, body."""
    headers = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
    stat = headers.get("x-docker-container-path-stat")
    if stat:
        headers["x-docker-container-path-stat"] = _document(side, json.loads(
            base64.b64decode(stat)))
    body = _body(side, call, answer)
    return {"status": answer.status, "headers": headers, "body": body}


def _streams(data):
    """Multiplexed output by its stream, since the order of two is nobody's promise; None when it is
    none."""
    found = {}
    while data:
        head, data = data[:8], data[8:]
        length = int.from_bytes(head[4:], "big")
        if len(head) < 8 or head[0] > 2 or any(head[1:4]) or length > len(data):
            return None
        name = f"stream {head[0]}"
        found[name] = found.get(name, "") + data[:length].decode(errors="replace")
        data = data[length:]
    return found


def _body(side, call, answer):
    if call.method == "HEAD":
        return {"bytes of a HEAD's body": len(answer.rest)}
    streams = _streams(answer.body)
    if streams:
        return {name: side.plain(text) for name, text in streams.items()}
    kind = answer.headers.get("content-type", "")
    # An export is one, too, whatever it is announced as; its times are those of its container.
    if answer.status == 200 and (kind.startswith("application/x-tar") or
                                 answer.body[257:262] == b"ustar"):
        return _members(side, answer.body)
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        return side.plain(answer.body.decode("latin-1"))
    try:
        return _document(side, json.loads(text))
    except ValueError:
        pass
    try:
        return [_document(side, json.loads(line)) for line in text.splitlines() if line.strip()]
    except ValueError:
        return side.plain(text)


def _members(side, data):
    """Names, kinds and sizes in a tar archive."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return sorted([side.plain(member.name), member.type.decode("latin-1"),
                           f"{member.mode:o}"] for member in archive)
    except tarfile.TarError as error:
        return f"no archive: {error}"


def _document(side, value, key=""):
    if isinstance(value, dict):
        return {side.plain(name): _document(side, inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return _ordered(key, [_document(side, inner, key) for inner in value])
    if isinstance(value, str):
        return side.plain(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and MOMENTARY.match(key):
        return "<number>"
    return value


def _ordered(key, values):
    """Docker lists networks, volumes, an image's names and a container's changes in no order, nor
    images of one second. Of a process only the command is compared."""
    if key in ("RepoTags", "RepoDigests", "NetworksDeleted", "VolumesDeleted"):
        return sorted(values)
    if key == "Processes":
        return sorted(row[-1] if isinstance(row, list) else row for row in values)
    if values and all(isinstance(each, dict) and set(each) == {"Kind", "Path"} for each in values):
        return sorted(values, key=lambda each: each["Path"])  # GET /containers/NAME/changes
    for mark in ("Driver", "RepoTags"):
        if values and all(isinstance(each, dict) and mark in each for each in values):
            return sorted(values, key=lambda each: str(each.get("Name") or each[mark]))
    return values


def differences(bare, herd, path=""):
    """Where two documents differ: (path, the daemon's, the herd's)."""
    if isinstance(bare, dict) and isinstance(herd, dict):
        found = []
        for key in sorted(bare.keys() | herd.keys()):
            found += differences(bare.get(key, "<absent>"), herd.get(key, "<absent>"),
                                 f"{path}/{key}")
        return found
    if isinstance(bare, list) and isinstance(herd, list) and len(bare) == len(herd):
        return [each for index, pair in enumerate(zip(bare, herd))
                for each in differences(*pair, f"{path}/{index}")]
    return [] if bare == herd and type(bare) is type(herd) else [(path, bare, herd)]


class Difference:
    """One that is meant: `calls` and `paths` are patterns, found anywhere in the call's name and
    matched to the path of what differs; with `added` only where a daemon has nothing there. `reason`
    is for docs/docker-api.md."""

    def __init__(self, calls, paths, reason, added=False):
        self.calls = re.compile(calls)
        self.paths = re.compile(paths)
        self.reason = reason
        self.added = added

    def explains(self, call, path, bare):
        return (self.calls.search(call.name) and self.paths.match(path)
                and (bare == "<absent>" or not self.added))
