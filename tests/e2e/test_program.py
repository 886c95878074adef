"""The program as it is started, checked and stopped."""

import json
import signal
import subprocess

import pytest

from herdlab import LoopbackHerd, processes
from herdlab.agent import find_binaries

DOCKHERD = find_binaries() / "dockherd"


def run(*arguments, **environment):
    return subprocess.run([DOCKHERD, *map(str, arguments)], capture_output=True, text=True,
                          timeout=30, check=False, stdin=subprocess.DEVNULL,
                          env=processes.clean_environment("none", **environment))


def test_version_and_help():
    for arguments in (("agent", "--version"), ("--version",)):
        result = run(*arguments)
        assert result.returncode == 0 and result.stdout.startswith("dockherd 0."), result
    result = run("agent", "--help")
    assert result.returncode == 0
    for flag in ("--conf", "--cluster", "--hostname", "--check", "--insecure"):
        assert flag in result.stdout


def test_check_says_what_would_be_done(tmp_path):
    conf = tmp_path / "conf.json"
    conf.write_text('{ // as in the example\n "main": "x", "services": [], '
                    '"hostname": "anna", "restServicePort": 8123 }')
    for flag in ("--conf", "-conf"):
        result = run("agent", flag, conf, "--check")
        assert result.returncode == 0, result
        assert "anna" in result.stdout and "8123" in result.stdout


@pytest.mark.parametrize("text, key", [
    ('{"restServicePort": "8080"}', "restServicePort"),
    ('{"restServicePort": 70000}', "restServicePort"),
    ('{"restServisePort": 8080}', "restServicePort"),
    ('{"announceInterval": -1}', "announceInterval"),
    ('{"insecure": "yes"}', "insecure"),
    ('{"docker": "ftp://x"}', "docker"),
    ('{"http": "0.0.0.0:8080"}', "http"),
    ('{"hostname": }', "conf.json"),
    ("[]", "object"),
])
def test_a_wrong_conf_names_file_and_key(tmp_path, text, key):
    conf = tmp_path / "conf.json"
    conf.write_text(text)
    for check in (["--check"], []):
        result = run("agent", "--conf", conf, *check)
        assert result.returncode not in (0, -signal.SIGABRT), result
        said = result.stdout + result.stderr
        assert str(conf) in said and key in said, said


@pytest.mark.parametrize("text, key", [
    ("discovery:\n  beacon:\n    port: many\n", "port"),
    ("discovery:\n  pigeon: {}\n", "pigeon"),
    ("herd: [a]\n", "herd"),
    ("a: b: c\n", "cluster"),
])
def test_a_wrong_cluster_file_names_file_and_key(tmp_path, text, key):
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(text)
    result = run("agent", "--cluster", cluster, "--check")
    assert result.returncode not in (0, -signal.SIGABRT), result
    said = result.stdout + result.stderr
    assert str(cluster) in said and key in said, said


@pytest.mark.parametrize("arguments", [("--conf", "/nonexistent/conf.json"), ("--colour",),
                                       ("--cluster", "/nonexistent/cluster")])
def test_a_wrong_command_line_is_refused(arguments):
    result = run("agent", *arguments)
    assert result.returncode not in (0, -signal.SIGABRT)
    assert result.stderr


@pytest.mark.parametrize("cluster, arguments, key", [
    ("bus: {bind: 192.0.2.1}", [], "bus.bind"),
    ("bus: {bind: 127.0.0.1}\ndiscovery: {gossip: {bind: '192.0.2.1:5671'}}", [], "gossip.bind"),
    ("bus: {bind: 127.0.0.1}", ["--http", "192.0.2.1:8080"], "http"),
])
def test_an_address_that_this_host_does_not_have_fails_check_and_start(tmp_path, cluster,
                                                                       arguments, key):
    file = tmp_path / "cluster.yaml"
    file.write_text(cluster)
    for check in (["--check"], []):
        result = run("agent", "--insecure", "--cluster", file, *arguments, *check)
        assert result.returncode == 1, result
        said = (result.stdout + result.stderr).lower()
        assert key in said and "192.0.2.1" in said, said


def test_get_says_what_it_is_and_where_to_read_on():
    with LoopbackHerd(1) as herd:
        reply = herd.agents[0].get("/")
        assert reply.status == 200
        for word in ("dockherd 0.", "node1", "docs/rest.md", "man dockherd"):
            assert word in reply.text, reply


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number):
    with LoopbackHerd(2) as herd:
        agent = herd.agents[0]
        processes.send_signal(agent.pid, number)
        assert agent.reap(15) == 0, agent.log_text()


def test_a_port_in_use_is_said(tmp_path):
    with LoopbackHerd(1) as herd:
        result = run("agent", "--http", f"127.0.0.1:{herd.agents[0].port}", "--docker",
                     herd.agents[0].conf["docker"])
        assert result.returncode == 1, result
        assert str(herd.agents[0].port) in result.stdout + result.stderr


def test_it_runs_without_a_daemon_and_says_so(tmp_path):
    with LoopbackHerd(1) as herd:
        agent = herd.agents[0]
        agent.kill()
        agent.conf["docker"] = f"unix://{tmp_path}/nobody.sock"
        agent.start()
        assert agent.nodes()["node1"]["state"] == "daemon down"
        reply = agent.verb("list-containers")
        assert reply.status == 502 and reply.json["dockerInstance"] == "node1", reply


def test_logs_as_json_are_json():
    with LoopbackHerd(1) as herd:
        agent = herd.agents[0]
        agent.kill()
        agent.conf["log"] = {"level": "info", "format": "json"}
        agent.log.unlink()
        agent.start()
        assert agent.stop() == 0
        lines = agent.log_text().splitlines()
        assert lines and all(isinstance(json.loads(line), dict) for line in lines)
