"""Throughput of `cp`, `logs` and `load`: megabytes a second through a non-owner, against the daemon's
own socket."""

import hashlib
import io
import json
import os
import tarfile

from herdlab import until

from .bench import call
from .load import agent_target, daemon_target
from .report import Row, interleave, medians

IMAGE = "bench-load:latest"
LINE = "x" * 199  # And its end: a log of 200 bytes a line.
AGAINST = "the daemon's own socket"


def run(bench):
    hosts, agents = bench.herd()
    bench.empty(hosts)
    megabytes = bench.options.megabytes or (16 if bench.quick else 1024)
    directory = hosts[0].lab.directory
    archive, image = directory / "file.tar", directory / "image.tar"
    write_file_archive(archive, megabytes)
    copy(bench, hosts, agents, archive, megabytes)
    logs(bench, hosts, agents, megabytes)
    bench.empty(hosts)
    write_image(image, archive)
    archive.unlink()
    load(bench, hosts, agents, image, megabytes)
    image.unlink()


def copy(bench, hosts, agents, archive, megabytes):
    identifier = bench.created(hosts[0], 1, start=True)[0]
    bench.until_known(agents, [identifier])
    path = f"/containers/{identifier}/archive?path="
    # Into the container first: it then has what is copied out of it.
    compare(bench, hosts, agents, "cp into a container", megabytes,
            ("--method", "PUT", "--path", path + "/tmp", "--upload", archive))
    compare(bench, hosts, agents, "cp out of a container", megabytes, ("--path", path + "/tmp/file"))


def logs(bench, hosts, agents, megabytes):
    lines = megabytes * 2**20 // (len(LINE) + 1)
    identifier = bench.created(hosts[0], 1, start=True, body={
        "Image": "busybox", "Cmd": ["sh", "-c", f"yes {LINE} | head -n {lines}"],
        "HostConfig": {"NetworkMode": "host", "LogConfig": {"Type": "json-file"}}})[0]
    bench.until_known(agents, [identifier])
    until(lambda: not call(hosts[0], "GET", f"/containers/{identifier}/json")["State"]["Running"],
          600, "the log is written", 0.2)
    compare(bench, hosts, agents, "logs", megabytes,
            ("--path", f"/containers/{identifier}/logs?stdout=1"))


def compare(bench, hosts, agents, what, megabytes, options):
    def measure(target, host):
        def once():
            os.sync()  # What was written before is not to be paid for by this one.
            answer = bench.load.run("stream", [target], *options, net=host.net)
            if answer["bytes"] < megabytes * 2**20:
                raise RuntimeError(f"{what} from {target}: {answer['bytes']} bytes only")
            return megabytes / answer["seconds"]
        return once

    rounds = interleave(bench.rounds, {"daemon": measure(daemon_target(hosts[0]), hosts[0]),
                                       "owner": measure(agent_target(agents[0]), hosts[0]),
                                       "non-owner": measure(agent_target(agents[1]), hosts[1])})
    middle = medians(rounds)
    for who, target in (("owner", None), ("non-owner", 0.7)):
        bench.report.add(Row(f"{what} through the {who}, {megabytes} MB", middle[who],
                             middle["daemon"], "MB/s", target, True, AGAINST, rounds=rounds))


# load: to every host of the herd ----------------------------------------------------------------

def load(bench, hosts, agents, image, megabytes):
    """The herd loads onto every host of its pool, which here may be one host: then the same is done
    as by the daemon, and the way there is all that is compared."""
    options = ("--method", "POST", "--path", "/images/load?quiet=1", "--upload", image)

    def once(targets, loaded_hosts, net=None):
        remove_image(hosts)
        os.sync()
        seconds = bench.load.run("stream", targets, *options, net=net)["seconds"]
        loaded = [host for host in hosts if has_image(host)]
        if loaded != loaded_hosts:
            raise RuntimeError(f"{targets}: the image is on {len(loaded)} hosts afterwards")
        return megabytes / seconds

    def through_an_agent(pool):
        set_pool(agents, pool)
        return once([agent_target(agents[1])], pool, hosts[1].net)

    daemons = [daemon_target(host) for host in hosts]
    try:
        rounds = interleave(bench.rounds, {
            "daemon": lambda: once(daemons[:1], hosts[:1]), "daemons": lambda: once(daemons, hosts),
            "one": lambda: through_an_agent(hosts[:1]), "all": lambda: through_an_agent(hosts)})
    finally:
        set_pool(agents, hosts)
        remove_image(hosts)
    middle = medians(rounds)
    for ours, reference, what, target, name in (
            ("one", "daemon", "onto another host, the only one in the pool", 0.7, AGAINST),
            ("all", "daemon", f"onto all {len(hosts)} hosts", 0.7, "one daemon's own socket"),
            ("all", "daemons", f"onto all {len(hosts)} hosts", None, "the three sockets at once")):
        bench.report.add(Row(f"load through an agent {what}, {megabytes} MB", middle[ours],
                             middle[reference], "MB/s", target, True, name, rounds=rounds))


def set_pool(agents, hosts):
    wanted = {agent.name: agent.host in hosts for agent in agents}
    for agent in agents:
        agent.verb("register" if wanted[agent.name] else "unregister")
    until(lambda: all({name: entry["in_pool"] for name, entry in agent.nodes().items()} == wanted
                      for agent in agents), 30, "every agent knows the pool")


def has_image(host):
    wanted = [IMAGE]
    return any(wanted == each["RepoTags"] for each in call(host, "GET", "/images/json"))


def remove_image(hosts):
    for host in hosts:
        if has_image(host):
            call(host, "DELETE", f"/images/{IMAGE}?force=1")


# What is sent -----------------------------------------------------------------------------------

class Noise(io.RawIOBase):
    """A file of so many bytes that nothing can make smaller."""

    _piece = os.urandom(2**20)

    def __init__(self, size):
        super().__init__()
        self._left = size

    def read(self, size=-1):
        size = min(self._left if size < 0 else size, len(self._piece), self._left)
        self._left -= size
        return self._piece[:size]


def write_file_archive(path, megabytes):
    """A tar archive with one file."""
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = megabytes * 2**20
        archive.addfile(entry, Noise(entry.size))


def write_image(path, layer):
    """An image of one layer, as `docker save` writes it."""
    with open(layer, "rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(2**20):
            digest.update(piece)
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest.hexdigest()}"]}})
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [IMAGE],
                            "Layers": ["layer.tar"]}])
    with tarfile.open(path, "w") as archive:
        for name, text in (("config.json", config), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
        archive.add(layer, "layer.tar")
