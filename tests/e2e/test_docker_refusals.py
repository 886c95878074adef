"""What one daemon's own mode is, the herd refuses clearly and never does by accident."""

import json

import pytest

from herdlab.daemon import ask

PATHS = [
    ("GET", "/swarm"), ("POST", "/swarm/init"), ("POST", "/swarm/join"), ("POST", "/swarm/leave"),
    ("POST", "/swarm/update"), ("GET", "/swarm/unlockkey"), ("POST", "/swarm/unlock"),
    ("GET", "/services"), ("POST", "/services/create"), ("GET", "/services/x"),
    ("DELETE", "/services/x"), ("POST", "/services/x/update"), ("GET", "/services/x/logs"),
    ("GET", "/nodes"), ("GET", "/nodes/x"), ("DELETE", "/nodes/x"), ("POST", "/nodes/x/update"),
    ("GET", "/secrets"), ("POST", "/secrets/create"), ("GET", "/secrets/x"),
    ("GET", "/configs"), ("POST", "/configs/create"), ("GET", "/configs/x"), ("GET", "/tasks"),
    ("GET", "/tasks/x"), ("GET", "/tasks/x/logs"), ("GET", "/plugins"),
    ("POST", "/plugins/pull?remote=x"), ("POST", "/plugins/x/enable"), ("DELETE", "/plugins/x")]


@pytest.mark.parametrize("version", ["", "/v1.24", "/v1.41"])
def test_swarm_mode_and_plugins_are_refused_in_docker_s_form(whole_herd, version):
    for method, path in PATHS:
        reply = whole_herd[1].request(method, version + path, "{}" if method == "POST" else None,
                                      {"Content-Type": "application/json"})
        assert reply.status == 501, (method, path, reply)
        assert reply.headers["Content-Type"] == "application/json"
        assert set(reply.json) == {"message"} and len(reply.json["message"]) > 20, reply
    for host in whole_herd.hosts:
        state = json.loads(ask(host.docker_socket, "GET", "/info")[1])["Swarm"]["LocalNodeState"]
        assert state == "inactive"


@pytest.mark.parametrize("arguments", [
    ("swarm", "init"), ("swarm", "leave"), ("service", "ls"), ("node", "ls"), ("secret", "ls"),
    ("config", "ls"), ("plugin", "ls"), ("stack", "ls")])
def test_the_docker_command_shows_the_refusal(docker, arguments):
    ended = docker(*arguments, check=False)
    assert ended.code == 1 and len(ended.err) > 20, ended


def test_a_service_is_not_made_by_accident(docker, herd):
    ended = docker("service", "create", "busybox", check=False)
    assert ended.code == 1
    assert herd.counts() == [0, 0, 0]


def test_the_verbs_are_still_served_beside_docker_s_api(whole_herd):
    assert whole_herd[1].verb("list-nodes").status == 200
    assert whole_herd[1].get("/").status == 200
    reply = whole_herd[1].request("POST", "/", '{"action": "nonsense"}')
    assert reply.status == 400 and "error" in reply.json
