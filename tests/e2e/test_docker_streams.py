"""Streams between client and daemon over two agents: every byte, every way to end, bounded memory."""

import io
import json
import os
import tarfile
import threading
import time

import pytest

from docker_cli import Cli, on
from herdlab import throughout, until
from promise import Stopwatch, assert_promise
from raw_http import UPGRADE, RawClient, frames, open_sockets

JSON = {"Content-Type": "application/json"}
MEGABYTE = 1 << 20
# The agent under test may be one whose sanitizer keeps freed memory for a while.
SANITIZER = 300 * MEGABYTE
GOING = 24  # Clients that go away, one after the other: more than there are connections kept.


@pytest.fixture
def box(herd, tmp_path):
    """A container of the first host that stays."""
    herd.strip()
    docker = Cli(herd[1], tmp_path)
    docker("run", "-d", "-i", *on(herd.hosts[0]), "--network", "none", "--name", "box", "busybox",
           "cat")
    return docker


def exec_id(agent, *command, **more):
    body = {"Cmd": list(command), "AttachStdin": True, "AttachStdout": True, "AttachStderr": True,
            **more}
    reply = agent.request("POST", "/containers/box/exec", json.dumps(body), JSON)
    assert reply.status == 201, reply
    return reply.json["Id"]


def start_exec(agent, *command, client=None, **more):
    """A hijacked exec, of which the 101 has been read."""
    client = client or RawClient(agent)
    body = json.dumps({"Detach": False, "Tty": more.get("Tty", False)}).encode()
    client.head("POST", f"/exec/{exec_id(agent, *command, **more)}/start", {**UPGRADE, **JSON}, body)
    status, headers = client.read_head()
    assert status == 101 and headers["upgrade"] == "tcp", (status, headers)
    return client


def processes_of(herd):
    """What runs in the container, as its own host says."""
    return [line.split()[-1] for line in herd.hosts[0].docker("top", "box").split("\n")[1:]]


def quiet_sockets(herd):
    """How many sockets each agent has when nobody asks anything; connections kept for the next
    request come and go, so it is the least of a while."""
    counts = []
    for _ in range(10):
        counts.append([open_sockets(agent) for agent in herd.agents])
        time.sleep(0.1)
    return [min(each) for each in zip(*counts)]


def back_to(herd, before, spare=GOING // 2):
    """No agent has more sockets than before, but for some connections kept for the next request."""
    return all(open_sockets(agent) <= count + spare for agent, count in zip(herd.agents, before))


# Hijacked connections -----------------------------------------------------------------------------

def test_after_the_client_s_half_close_the_output_goes_on(herd, box):
    with start_exec(herd[1], "sh", "-c", "cat; sleep 0.5; echo afterwards") as client:
        client.send("sent\n")
        client.half_close()
        assert frames(client.read_to_end()) == {1: "sent\nafterwards\n"}


def test_the_daemon_s_end_ends_the_client(herd, box):
    with start_exec(herd[1], "sh", "-c", "echo last; exit 3") as client:
        assert frames(client.read_to_end()) == {1: "last\n"}
        client.send("nobody listens\n")


def test_what_is_sent_with_the_head_is_not_lost(herd, box):
    body = json.dumps({"Detach": False, "Tty": False}).encode()
    with RawClient(herd[1]) as client:
        client.head("POST", f"/exec/{exec_id(herd[1], 'cat')}/start", {**UPGRADE, **JSON},
                    body)
        client.send("early\n")  # Before the 101 has been read.
        status, _ = client.read_head()
        assert status == 101
        client.half_close()
        assert frames(client.read_to_end()) == {1: "early\n"}


def test_a_conversation_of_many_small_pieces_stays_in_order(herd, box):
    with start_exec(herd[1], "cat", Tty=False) as client:
        heard = bytearray()
        reader = threading.Thread(target=lambda: heard.extend(client.read_to_end()))
        reader.start()
        for number in range(2000):
            client.send(f"{number}\n")
        client.half_close()
        reader.join(60)
        assert frames(bytes(heard))[1].split() == [str(number) for number in range(2000)]


def test_an_attach_without_an_upgrade_is_a_stream_to_the_end(herd, box):
    with RawClient(herd[1]) as client:
        client.head("POST", "/containers/box/attach?stream=1&stdin=1&stdout=1", body=b"")
        status, headers = client.read_head()
        assert status == 200 and headers["content-type"] == "application/vnd.docker.raw-stream"
        assert "content-length" not in headers and "transfer-encoding" not in headers
        client.send("said\n")
        assert client.read_until(b"said\n")[8:] == b"said\n"
        box("kill", "box")
        assert client.read_to_end() == b""


def test_the_keys_to_detach_end_the_stream_only(herd, box):
    box("rm", "-f", "box")
    box("run", "-d", "-it", *on(herd.hosts[0]), "--network", "none", "--name", "box", "busybox", "sh")
    with RawClient(herd[1]) as client:
        client.head("POST", "/containers/box/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,b",
                    UPGRADE, b"")
        assert client.read_head()[0] == 101
        for key in ("\x01", "b"):
            client.send(key)
            time.sleep(0.3)
        client.read_to_end()
    assert box("inspect", "-f", "{{.State.Running}}", "box").text == "true"


def test_a_websocket_attach_is_a_conversation(herd, box):
    with RawClient(herd[1]) as client:
        client.head("GET", "/containers/box/attach/ws?stream=1&stdin=1&stdout=1", {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": f"http://{client.host}"})
        status, headers = client.read_head()
        assert status == 101 and headers["upgrade"].lower() == "websocket"
        assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        client.send(b"\x81\x86" + b"\0\0\0\0" + b"hello\n")
        assert client.read_until(b"hello\n").endswith(b"hello\n")


def test_requests_before_an_upgrade_on_one_connection(herd, box):
    with RawClient(herd[1]) as client:
        for target in ("/_ping", "/containers/box/json", "/containers/nobody/json", "/_ping"):
            client.head("GET", target)
            status, headers = client.read_head()
            body = client.read_body(headers)
            assert status == (404 if "nobody" in target else 200) and body
        start_exec(herd[1], "echo", "hijacked", client=client)
        assert frames(client.read_to_end()) == {1: "hijacked\n"}


# Ways to go ---------------------------------------------------------------------------------------

def gone_before_the_head(herd):
    RawClient(herd[1]).socket.close()


def gone_within_the_head(herd):
    RawClient(herd[1]).send("POST /containers/box/attach?stream=1 HTTP/1.1\r\nHo").socket.close()


def gone_within_the_body(herd):
    client = RawClient(herd[1])
    client.head("POST", f"/exec/{exec_id(herd[1], 'cat')}/start", {
        **UPGRADE, **JSON, "Content-Length": 200})
    client.send('{"Detach":').socket.close()


def gone_before_the_answer(herd):
    client = RawClient(herd[1])
    client.head("POST", f"/exec/{exec_id(herd[1], 'cat')}/start", {**UPGRADE, **JSON},
                b'{"Detach":false}')
    client.socket.close()


def gone_after_the_answer(herd):
    start_exec(herd[1], "cat").socket.close()


def gone_after_some_words(herd):
    client = start_exec(herd[1], "cat").send("word\n")
    client.read_until(b"word\n")
    client.socket.close()


def gone_after_a_half_close(herd):
    client = start_exec(herd[1], "cat")
    client.half_close()
    client.socket.close()


def gone_by_a_reset(herd):
    start_exec(herd[1], "cat").reset()


def gone_while_much_arrives(herd):
    client = start_exec(herd[1], "sh", "-c", "cat & yes > /dev/null & yes; true")
    client.read()
    client.reset()
    herd.hosts[0].docker("exec", "box", "killall", "yes", "cat", check=False)


def gone_while_much_is_sent(herd):
    client = start_exec(herd[1], "sleep", "2")
    client.socket.setblocking(False)
    try:
        while True:
            client.socket.send(b"x" * 65536)
    except BlockingIOError:
        pass
    client.reset()


def gone_from_logs(herd):
    client = RawClient(herd[1])
    client.head("GET", "/containers/box/logs?follow=1&stdout=1")
    client.read_head()
    client.socket.close()


def gone_from_events(herd):
    client = RawClient(herd[1])
    client.head("GET", "/events")
    client.read_head()
    client.socket.close()


def gone_from_stats(herd):
    client = RawClient(herd[1])
    client.head("GET", "/containers/box/stats")
    client.read_head()
    client.socket.close()


def gone_from_wait(herd):
    client = RawClient(herd[1])
    client.head("POST", "/containers/box/wait", body=b"")
    client.read_head()
    client.socket.close()


WAYS = [gone_before_the_head, gone_within_the_head, gone_within_the_body, gone_before_the_answer,
        gone_after_the_answer, gone_after_some_words, gone_after_a_half_close, gone_by_a_reset,
        gone_while_much_arrives, gone_while_much_is_sent, gone_from_logs, gone_from_events,
        gone_from_stats, gone_from_wait]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_client_that_goes_away_leaves_nothing_open(herd, box, way):
    until(lambda: box("ps", "-q").lines, 30)
    before = quiet_sockets(herd)
    for _ in range(GOING):
        way(herd)
    until(lambda: back_to(herd, before), 30, what=f"no socket is left {before}")
    until(lambda: processes_of(herd).count("cat") <= 1, 30, what="the programs have ended")
    assert herd[1].get("/_ping").status == 200


def test_a_client_that_goes_away_closes_the_far_end_within_a_second(herd, box):
    def attempt():
        client = start_exec(herd[1], "cat")
        until(lambda: processes_of(herd).count("cat") == 2, 30)
        with Stopwatch() as watch:
            client.socket.close()
            until(lambda: processes_of(herd).count("cat") == 1, 30)
        return watch.seconds

    assert_promise(1.0, attempt)


# Uploads ------------------------------------------------------------------------------------------

def chunks(data, sizes):
    out, at = b"", 0
    for size in sizes:
        piece = data[at:at + size]
        out += b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
        at += size
    piece = data[at:]
    return out + b"%x\r\n%b\r\n0\r\n\r\n" % (len(piece), piece)


def tar_of(name, content):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


PUT = "/containers/box/archive?path=/tmp"


def test_a_chunked_upload_in_odd_pieces_arrives_whole(herd, box):
    content = os.urandom(200_000)
    with RawClient(herd[1]) as client:
        client.head("PUT", PUT, {"Transfer-Encoding": "chunked"})
        wire = chunks(tar_of("f", content), [1, 1, 7, 4096, 65536, 3])
        for at in range(0, len(wire), 10_007):
            client.send(wire[at:at + 10_007])
        assert client.read_head()[0] == 200
    assert box("exec", "box", "wc", "-c", "/tmp/f").text.split()[0] == "200000"


def test_a_client_that_expects_100_gets_it_before_it_sends(herd, box):
    data = tar_of("f", b"expected")
    with RawClient(herd[1]) as client:
        client.head("PUT", PUT, {"Expect": "100-continue", "Content-Length": len(data)})
        assert client.read_head()[0] == 100
        client.send(data)
        assert client.read_head()[0] == 200
    assert box("exec", "box", "cat", "/tmp/f").out == "expected"


def test_a_client_that_expects_100_may_be_refused_instead(herd, box):
    with RawClient(herd[1]) as client:
        client.head("PUT", "/containers/nobody/archive?path=/tmp", {
            "Expect": "100-continue", "Content-Length": 1 << 30})
        status, headers = client.read_head()
        assert status == 404, "not a byte of the body was asked for"
        assert json.loads(client.read_body(headers)) == {"message": "No such container: nobody"}


def test_a_refusal_reaches_a_client_that_still_sends(herd, box):
    with RawClient(herd[1]) as client:
        client.head("PUT", "/containers/nobody/archive?path=/tmp", {"Transfer-Encoding": "chunked"})
        try:
            for _ in range(200):
                client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert client.read_head()[0] == 404


@pytest.mark.parametrize("rubbish", [
    b"zz\r\nnonsense\r\n", b"5\r\nabcdefgh\r\n", b"-5\r\n", b"fffffffffffffffff\r\n"])
def test_a_body_of_broken_chunks_is_refused_and_harms_nobody(herd, box, rubbish):
    with RawClient(herd[1]) as client:
        client.head("PUT", PUT, {"Transfer-Encoding": "chunked"})
        client.send(rubbish)
        client.half_close()
        data = client.read_to_end()
        assert not data or data.split()[1] in (b"400", b"500", b"502"), data
    assert herd[1].get("/_ping").status == 200 and herd[0].get("/_ping").status == 200


def test_an_upload_that_ends_too_early_leaves_nothing_open(herd, box):
    before = quiet_sockets(herd)
    for _ in range(GOING):
        with RawClient(herd[1]) as client:
            client.head("PUT", PUT, {"Content-Length": 10 * MEGABYTE})
            client.send(tar_of("f", b"x" * MEGABYTE)[:MEGABYTE])
    until(lambda: back_to(herd, before), 30, what="no socket is left")


# Bounds -------------------------------------------------------------------------------------------

class Watch:
    """The most memory that each agent has had beyond the beginning, while the block ran."""

    def __init__(self, herd):
        self._herd = herd

    def __enter__(self):
        self._before = [agent.resident_bytes() for agent in self._herd.agents]
        self.most = [0] * len(self._before)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self):
        while not self._ended.wait(0.05):
            self.most = [max(most, agent.resident_bytes() - before) for most, agent, before in
                         zip(self.most, self._herd.agents, self._before)]

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()


def test_a_body_of_a_gigabyte_comes_down_in_bounded_memory(herd, box):
    box("exec", "box", "truncate", "-s", "1G", "/tmp/large")
    with Watch(herd) as watch, RawClient(herd[1]) as client:
        client.head("GET", "/containers/box/archive?path=/tmp/large", {"Connection": "close"})
        assert client.read_head()[0] == 200
        size = 0
        while piece := client.read():
            size += len(piece)
    assert size > 1 << 30
    assert max(watch.most) < SANITIZER, watch.most


def test_a_body_of_most_of_a_gigabyte_goes_up_in_bounded_memory(herd, box):
    size = 700 * MEGABYTE
    head = tar_of("large", b"")
    entry = head[:124] + b"%011o\0" % size + head[136:148] + b"        " + head[156:512]
    entry = entry[:148] + b"%06o\0 " % sum(entry) + entry[156:]
    with Watch(herd) as watch, RawClient(herd[1]) as client:
        client.head("PUT", PUT, {"Content-Length": 512 + size + 1024})
        client.send(entry)
        for _ in range(700):
            client.send(bytes(MEGABYTE))
        client.send(bytes(1024))
        assert client.read_head()[0] == 200
    assert box("exec", "box", "wc", "-c", "/tmp/large").text.split()[0] == str(size)
    box("exec", "box", "rm", "/tmp/large")
    assert max(watch.most) < SANITIZER, watch.most


def test_clients_that_stop_reading_slow_only_themselves(herd, box):
    idle = [start_exec(herd[1], "yes") for _ in range(5)]
    try:
        with Watch(herd) as watch:
            throughout(lambda: herd[1].get("/containers/box/json").status == 200, 4)
            said = box("exec", "box", "seq", "1", "100000").out
        assert said.endswith("\n100000\n")
        assert max(watch.most) < SANITIZER, watch.most
    finally:
        for client in idle:
            client.socket.close()
        herd.hosts[0].docker("exec", "box", "killall", "yes", check=False)


def test_two_hundred_clients_at_once(herd, box):
    clients = [RawClient(herd[1]) for _ in range(200)]
    try:
        for client in clients:
            client.head("POST", "/containers/box/attach?stream=1&stdout=1", UPGRADE, b"")
        assert {client.read_head()[0] for client in clients} == {101}
        box("exec", "-d", "box", "sh", "-c", "echo to all > /proc/1/fd/1")
        assert {client.read_until(b"to all\n")[8:] for client in clients} == {b"to all\n"}
        for client in clients:
            client.socket.close()
        clients = [RawClient(herd[1]) for _ in range(200)]
        for client in clients:
            client.head("GET", "/containers/box/json")
        identities = set()
        for client in clients:
            status, headers = client.read_head()
            assert status == 200
            identities.add(json.loads(client.read_body(headers))["Id"])
        assert len(identities) == 1
    finally:
        for client in clients:
            client.socket.close()
