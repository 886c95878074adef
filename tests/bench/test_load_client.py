"""The load client reads and sends bodies of every framing to their last byte."""

import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOAD = pathlib.Path(os.environ.get("DOCKHERD_BENCH_BIN", ROOT / "build" / "bench")) / "http_load"


class Framings(http.server.BaseHTTPRequestHandler):
    """GET /FRAMING/BYTES answers with so many bytes; PUT says nothing and remembers what came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        _, framing, size = self.path.split("/")
        body = b"y" * int(size)
        self.send_response(200)
        if framing == "sized":
            self.send_header("Content-Length", size)
        elif framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces(body)) + (
                b"0\r\n\r\n")
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        received = b""
        while size := int(self.rfile.readline(), 16):
            received += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self.server.received = received
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def pieces(body):
    """Of all lengths from 1 on."""
    length = 1
    while body:
        yield body[:length]
        body, length = body[length:], length + 1


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Framings) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        with contextlib.ExitStack() as ending:
            ending.callback(thread.join)
            ending.callback(running.shutdown)
            yield running


def load(server, mode, *options, check=True):
    result = subprocess.run([LOAD, mode, *map(str, options), f"tcp:127.0.0.1:{server.server_port}"],
                            capture_output=True, text=True, timeout=60, check=check)
    return json.loads(result.stdout) if result.stdout else result.stderr


@pytest.mark.parametrize("framing", ["sized", "chunked", "closed"])
@pytest.mark.parametrize("size", [0, 1, 300_000, 3_000_000])
def test_a_stream_is_read_to_its_end(server, framing, size):
    answer = load(server, "stream", "--path", f"/{framing}/{size}")
    assert (answer["bytes"], answer["refused"]) == (size, 0)


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 1_000_000])
def test_a_file_is_sent_whole(server, tmp_path, size):
    file = tmp_path / "body"
    file.write_bytes(os.urandom(size))
    answer = load(server, "stream", "--method", "PUT", "--path", "/200", "--upload", file)
    assert answer["bytes"] == size
    assert server.received == file.read_bytes()


@pytest.mark.parametrize("status, refused", [(200, 0), (304, 0), (207, 1), (404, 1), (500, 1)])
def test_refusals_are_counted(server, tmp_path, status, refused):
    file = tmp_path / "body"
    file.write_text("x")
    answer = load(server, "stream", "--method", "PUT", "--path", f"/{status}", "--upload", file)
    assert answer["refused"] == refused


@pytest.mark.parametrize("framing", ["sized", "chunked", "closed"])
def test_a_first_byte_is_timed_each_time(server, framing):
    answer = load(server, "first", "--path", f"/{framing}/5", "--requests", 3, "--warm-up", 1)
    assert answer["requests"] == 3
    assert answer["p50_us"] > 0


def test_an_answer_without_a_body_has_no_first_byte(server):
    assert "without a body" in load(server, "first", "--path", "/sized/0", check=False)
