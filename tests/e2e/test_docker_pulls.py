"""Pulls by the docker command: every host gets the image, and what each says can be told apart."""

import contextlib
import pathlib
import signal

import pytest
from herdlab import processes, until

PROGRAM = pathlib.Path(__file__).with_name("registry.py")
PORT = 5017


class Registry:
    """One on each of some hosts, all alike."""

    def __init__(self, directory):
        self._directory = directory
        self._running = []

    def start(self, host, *names):
        log = self._directory / f"registry-{host.name}.log"
        wrapper, pid = host.spawn("/usr/bin/python3", PROGRAM, PORT, *names, log=log)
        self._running.append((wrapper, pid))
        probe = f"exec 3<>/dev/tcp/127.0.0.1/{PORT}"
        until(lambda: host.run("bash", "-c", probe, check=False).returncode == 0, 30,
              what="the registry listens")

    def stop(self):
        for wrapper, pid in self._running:
            with contextlib.suppress(ProcessLookupError):
                processes.send_signal(pid, signal.SIGKILL)
            wrapper.wait(20)


@pytest.fixture
def registry(tmp_path):
    found = Registry(tmp_path)
    yield found
    found.stop()


def pulled(name):
    return f"127.0.0.1:{PORT}/{name}"


def ids(herd, name):
    return [host.docker("images", "-q", "--no-trunc", name) for host in herd.hosts]


def test_a_pull_brings_the_image_to_every_host_and_tells_of_each(docker, herd, registry):
    for host in herd.hosts:
        registry.start(host, "shop/cart:v1")
    told = docker("pull", pulled("shop/cart:v1"))
    for host in herd.hosts:
        assert f"{host.name}: v1: Pulling from shop/cart" in told.out, told
        assert f"{host.name}: Status: Downloaded newer image" in told.out, told
    assert ids(herd, pulled("shop/cart:v1"))[0]
    assert len(set(ids(herd, pulled("shop/cart:v1")))) == 1
    again = docker("pull", pulled("shop/cart:v1"))
    assert again.out.count("Status: Image is up to date") == len(herd.hosts), again


def test_a_host_that_cannot_pull_is_named_and_the_others_have_the_image(docker, herd, registry):
    for host in herd.hosts[1:]:
        registry.start(host, "partly:v1")
    ended = docker("pull", pulled("partly:v1"), check=False)
    assert ended.code == 1, ended
    assert herd.hosts[0].name in ended.err and "connection refused" in ended.err, ended
    assert not any(host.name in ended.err for host in herd.hosts[1:]), ended
    assert [bool(each) for each in ids(herd, pulled("partly:v1"))] == [False, True, True]


def test_what_no_registry_has_is_refused_as_one_daemon_refuses_it(docker, herd, registry):
    for host in herd.hosts:
        registry.start(host, "there:v1")
    ended = docker("pull", pulled("absent:v1"), check=False)
    alone = docker.raw("-H", f"unix://{herd.hosts[0].docker_socket}", "pull", pulled("absent:v1"))
    assert (ended.code, ended.err) == (alone.returncode, alone.stderr.decode())


def test_a_pool_of_one_passes_what_its_daemon_says_as_it_is(one_docker, breakable_herd, registry):
    herd = breakable_herd
    for host in herd.hosts[1:]:
        assert herd[0].verb("unregister", hostname=host.name).status == 200
    registry.start(herd.hosts[0], "alone:v1")
    until(lambda: all(agent.nodes()[host.name]["in_pool"] is (host is herd.hosts[0])
                      for agent in herd.agents for host in herd.hosts), 60,
          what="every agent knows the pool")
    told = one_docker("pull", pulled("alone:v1"))
    assert told.lines[0] == "v1: Pulling from alone", told
    assert herd.hosts[0].name not in told.out
    assert [bool(each) for each in ids(herd, pulled("alone:v1"))] == [True, False, False]
