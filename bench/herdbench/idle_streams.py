"""What 500 streams on which nothing happens cost the agents: attach, logs -f and events, all through
a node whose own containers none of them is about."""

import contextlib
import resource
import statistics
import time

from .report import Row
from .usage import cpu_seconds, memory

STREAMS = 500
UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n"


def run(bench):
    bench.end_herd()  # What other measurements left in the agents' memory is not looked for here.
    # A stream through two agents is a descriptor here, two in the first, two in the second.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    hosts, agents = bench.herd()
    identifiers = bench.created(hosts[0], 10, start=True)
    bench.until_known(agents, identifiers)
    asked, owner, other = agents[1], agents[0], agents[2]
    watched = {"the node asked": asked, "the owner": owner, "a third node": other}
    before = windows(bench, watched)
    with contextlib.ExitStack() as opened:
        begin = time.monotonic()
        for number in range(STREAMS):
            opened.enter_context(open_stream(asked, number, identifiers))
        took = time.monotonic() - begin
        during = windows(bench, watched)
    after = windows(bench, watched)
    for who in watched:
        add_rows(bench, who, before[who], during[who], after[who], took)
    bench.empty(hosts)


def open_stream(agent, number, identifiers):
    """The kinds in turn. Returns the socket once the answer has begun."""
    identifier = identifiers[number % len(identifiers)]
    stream = agent.open_socket()
    method, target, more = (
        ("POST", f"/containers/{identifier}/attach?stream=1&stdin=1&stdout=1&stderr=1", UPGRADE),
        ("GET", f"/containers/{identifier}/logs?follow=1&stdout=1&stderr=1", ""),
        ("GET", "/events", ""))[number % 3]
    stream.sendall(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = stream.recv(65536)
        if not piece:
            raise RuntimeError(f"stream {number} ended at once: {head!r}")
        head += piece
    if head.split()[1] not in (b"101", b"200"):
        raise RuntimeError(f"stream {number} was refused: {head!r}")
    return stream


def windows(bench, watched):
    """Name -> figures of some seconds each."""
    found = {who: [] for who in watched}
    time.sleep(1)  # What comes with opening and closing ebbs away.
    for _ in range(bench.rounds):
        begin = time.monotonic()
        spent = {who: cpu_seconds(agent.pid) for who, agent in watched.items()}
        time.sleep(2 if bench.quick else 10)
        seconds = time.monotonic() - begin
        for who, agent in watched.items():
            resident, private = memory(agent.pid)
            found[who].append({
                "resident": resident / 2**20, "private": private / 2**20,
                "cpu": 100 * (cpu_seconds(agent.pid) - spent[who]) / seconds})
    return found


def add_rows(bench, who, before, during, after, took):
    for figure, text, unit in (("resident", "resident memory", "MB"),
                               ("private", "private memory", "MB"),
                               ("cpu", "processor", "% of a core")):
        values = {name: [each[figure] for each in found] for name, found
                  in (("before", before), ("during", during), ("after", after))}
        middle = {name: statistics.median(each) for name, each in values.items()}
        note = f"after: {middle['after']:.3g} {unit}"
        if who == "the node asked" and figure == "resident":
            note += f"; opened in {took:.1f} s"
        bench.report.add(Row(f"{STREAMS} idle streams, {text} of {who}", middle["during"],
                             middle["before"], unit, reference_name="before they were opened",
                             note=note, rounds=values))
