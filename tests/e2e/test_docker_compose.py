"""docker-compose of Debian with a project of three services over three hosts."""

import json
import os
import re

import pytest

from docker_cli import Cli
from herdlab import until

COMPOSE = "/usr/bin/docker-compose"
pytestmark = pytest.mark.skipif(
    not os.path.exists(COMPOSE), reason="no docker-compose: scripts/install-packages test")

# Of each service one container on a host of its own, at first.
PROJECT = """
version: "3.7"
services:
  web:
    image: busybox
    command: sh -c 'mkdir -p /w; hostname > /w/index.html; echo web is up; exec httpd -f -p 80 -h /w'
    environment:
      - "constraint:node==~host1"
      - GREETING=hello
    ports:
      - "80"
    volumes:
      - content:/content
    networks: [front, back]
    stop_grace_period: 1s
  cache:
    image: busybox
    command: sh -c 'echo cache is up; while :; do sleep 0.2; done'
    environment:
      - "constraint:node==~host2"
    networks: [back]
    depends_on: [web]
    stop_grace_period: 1s
  worker:
    image: busybox
    command: >-
      sh -c 'trap "echo worker stops; exit 3" TERM; echo worker is up; while :; do sleep 0.1; done'
    environment:
      - "constraint:node==~host3"
    networks: [back]
    depends_on: [cache]
    stop_grace_period: 20s
networks:
  front: {}
  back: {}
volumes:
  content: {}
"""


class Project:
    """A project directory, and docker-compose in it."""

    def __init__(self, docker, directory):
        self._docker = docker
        self._directory = directory
        (directory / "docker-compose.yml").write_text(PROJECT)

    def command(self, *arguments):
        return ["--project-name", "trial", "--file", self._directory / "docker-compose.yml",
                *arguments]

    def ended(self, *arguments):
        """How docker-compose ended: its exit code, and what it said on both outputs."""
        ended = self._docker.raw(*self.command(*arguments), program=COMPOSE)
        return ended.returncode, (ended.stdout + ended.stderr).decode(errors="replace")

    def __call__(self, *arguments):
        code, said = self.ended(*arguments)
        assert code == 0, f"docker-compose {arguments}: {said}"
        return said

    def containers(self, *filters):
        """service -> the hosts of its containers, by what docker ps says."""
        found = {}
        for line in self._docker("ps", "--filter", "label=com.docker.compose.project=trial",
                                 *filters, "--format", "{{json .}}").lines:
            entry = json.loads(line)
            labels = dict(pair.split("=", 1) for pair in entry["Labels"].split(",") if "=" in pair)
            found.setdefault(labels["com.docker.compose.service"], []).append(
                labels.get("dockherd.node"))
        return {service: sorted(hosts, key=str) for service, hosts in found.items()}

    def counts(self, *filters):
        return {service: len(hosts) for service, hosts in self.containers(*filters).items()}


@pytest.fixture
def project(herd, tmp_path):
    herd.strip()
    made = Project(Cli(herd[1], tmp_path), tmp_path)
    yield made
    made.ended("down", "--volumes", "--timeout", "0")


def test_up_starts_every_service_and_down_leaves_nothing(project, herd):
    before = left_on(herd)
    project("up", "-d")
    assert project.counts() == {"web": 1, "cache": 1, "worker": 1}
    listing = project("ps")
    for service in ("web", "cache", "worker"):
        assert re.search(rf"trial_{service}_1\b.* Up ", listing), listing
    for service in ("web", "cache", "worker"):
        until(lambda service=service: f"{service} is up" in project("logs", service), 30)
    project("down", "--volumes", "--timeout", "1")
    assert project.counts("-a") == {}
    assert left_on(herd) == before


def left_on(herd):
    """Containers, networks and volumes of each host."""
    return [[sorted(host.docker(*command).split("\n")) for command in
             (("ps", "-aq"), ("network", "ls", "--format", "{{.Name}}"), ("volume", "ls", "-q"))]
            for host in herd.hosts]


def test_the_services_are_on_the_hosts_that_they_ask_for(project):
    project("up", "-d")
    assert project.containers() == {"web": ["host1"], "cache": ["host2"], "worker": ["host3"]}


def test_up_again_changes_nothing_and_recreates_what_has_changed(project):
    project("up", "-d")
    again = project("up", "-d")
    assert again.count("is up-to-date") == 3, again
    project("up", "-d", "--force-recreate", "--timeout", "1")
    assert project.counts("-a") == {"web": 1, "cache": 1, "worker": 1}


def test_exec_and_run_and_port(project):
    project("up", "-d")
    assert "hello" in project("exec", "-T", "web", "sh", "-c", "echo $GREETING")
    assert project.ended("exec", "-T", "worker", "sh", "-c", "exit 9")[0] == 9
    said = project("run", "--rm", "-T", "--no-deps", "web", "echo", "once")
    assert "once" in said
    assert re.search(r"[\d.]+:\d+", project("port", "web", "80"))


def test_scale_adds_and_removes_containers(project):
    project("up", "-d")
    project("up", "-d", "--scale", "worker=4", "--scale", "cache=2")
    assert project.counts() == {"web": 1, "cache": 2, "worker": 4}
    project("up", "-d", "--timeout", "2", "--scale", "worker=1")
    assert project.counts() == {"web": 1, "cache": 1, "worker": 1}
    project("scale", "worker=2")
    assert project.counts()["worker"] == 2


def test_stop_start_restart_kill_and_pause(project):
    project("up", "-d")
    project("stop")
    assert project.counts() == {} and project.counts("-a") == {"web": 1, "cache": 1, "worker": 1}
    assert re.search(r"trial_worker_1\b.* Exit 3", project("ps", "-a"))
    project("start")
    assert project.counts() == {"web": 1, "cache": 1, "worker": 1}
    project("restart", "--timeout", "1")
    until(lambda: project("logs", "worker").count("worker is up") == 3, 30)
    project("pause", "worker")
    assert "Paused" in project("ps")
    project("unpause", "worker")
    project("kill", "cache")
    assert project.counts() == {"web": 1, "worker": 1}
    project("rm", "-f", "cache")
    assert "cache" not in project.counts("-a")


def test_up_attached_shows_all_logs_and_ends_with_the_project(project, tmp_path, herd):
    docker = Cli(herd[1], tmp_path, COMPOSE)
    with docker.begin(*project.command("up", "--timeout", "1", "--no-color")) as running:
        for service in ("web", "cache", "worker"):
            running.expect(f"{service} is up")
        running.signal(15)  # As from a terminal's Ctrl-C, it stops what it started.
        running.wait()
    until(lambda: project.counts() == {}, 30)
    assert project.counts("-a") == {"web": 1, "cache": 1, "worker": 1}


def test_logs_follow_services_of_several_hosts(project, tmp_path, herd):
    project("up", "-d")
    docker = Cli(herd[1], tmp_path, COMPOSE)
    with docker.begin(*project.command("logs", "-f", "--no-color")) as logs:
        for service in ("web", "cache", "worker"):
            logs.expect(f"{service} is up")
        project("restart", "--timeout", "1", "worker")
        logs.expect("worker stops")


def test_top_events_and_images(project, tmp_path, herd):
    project("up", "-d")
    assert "httpd -f -p 80" in project("top", "web")
    assert project("images").count("busybox") == 3
    docker = Cli(herd[1], tmp_path, COMPOSE)
    with docker.begin(*project.command("events")) as events:
        until(lambda: project("restart", "--timeout", "0", "cache")
              and "container start" in events.out, 60)
        assert "service=cache" in events.out or "trial_cache_1" in events.out


def test_a_service_of_one_host_finds_another_by_name(project):
    project("up", "-d")
    # Both on host1: networks of several hosts are not one network.
    said = until(lambda: project("run", "--rm", "-T", "--no-deps", "-e", "constraint:node==host1",
                                 "web", "wget", "-qO-", "http://web/"), 30)
    assert re.search(r"[0-9a-f]{12}", said), said
