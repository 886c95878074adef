"""Users who are known by their client certificates, and what becomes of their containers when hosts die."""

import json
import signal
import subprocess
import time

import pytest

from certificates import Authority, trusting
from docker_cli import Cli
from herdlab import Lab, processes, until
from herdlab.lab import herd_is_whole

PORT = 8443
USERS = {"root": {"role": "admin"}, "vera": {"role": "viewer"}, "ann": {"role": "operator"},
         "bob": {"role": "operator"}}


class CertifiedHerd:
    """Three hosts of one key, whose agents ask clients for a certificate and have a users file."""

    def __init__(self, lab, directory):
        self.authority = Authority(directory / "authority")
        self.certificates = {name: self.authority.issue(directory / name, name)
                             for name in [*USERS, "nobody"]}
        key, self.users = directory / "herd.key", directory / "users.json"
        subprocess.run([lab.program("dockherd"), "keygen", key], check=True, timeout=30,
                       capture_output=True)
        self.users.write_text(json.dumps({"users": USERS}))
        self.users.chmod(0o600)
        self.program = lab.program("dockherd")
        self.hosts = lab.up(3)
        self.agents = []
        for host in self.hosts:
            files = self.authority.issue(directory / host.name, host.name, host.address)
            self.agents.append(host.agent(
                port=PORT, arguments=(), tls=trusting(self.certificates["root"]),
                conf={"http": f"{host.address}:{PORT}", "key": str(key), "users": str(self.users),
                      "plainNames": True,
                      "tls": {"cert": str(files / "cert.pem"), "key": str(files / "key.pem"),
                              "client_ca": str(self.authority.file)}}))
        for agent in self.agents:
            agent.begin()
        for agent in self.agents:
            agent.wait_until_up()
        herd_is_whole(self.agents)

    def docker(self, user, directory, through=0):
        """The docker command as that user calls it."""
        cli = Cli(self.agents[through], directory)
        cli.environment |= {"DOCKER_TLS_VERIFY": "1",
                            "DOCKER_CERT_PATH": str(self.certificates[user])}
        return cli

    def places(self, through, name):
        """(host, id) of the running containers of that name."""
        reply = self.agents[through].verb("list-containers", all=True)
        return [(entry["dockerInstance"], entry["Id"]) for entry in reply.json["Response"]["Body"]
                if f"/{name}" in entry["Names"] and entry["State"] == "running"]


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    with Lab() as lab:
        herd = CertifiedHerd(lab, tmp_path_factory.mktemp("certified"))
        yield herd
        codes = [agent.stop() for agent in herd.agents if agent.alive]
        assert codes == [0] * len(codes), [agent.log_text()[-3000:] for agent in herd.agents]


def run(docker, name, *arguments):
    return docker("run", "-d", "--network", "none", "--stop-signal", "KILL", "--name", name,
                  *arguments, "busybox", "sleep", "3600")


def test_the_certificates_name_is_the_user(certified, tmp_path):
    for through in range(3):
        name = f"anns-{through}"
        ann = certified.docker("ann", tmp_path / f"ann{through}", through)
        identity = run(ann, name).out.strip()
        home, = [host for host in certified.hosts
                 if identity in host.docker("ps", "-q", "--no-trunc").split()]
        inspected = json.loads(home.docker("inspect", identity))[0]
        assert inspected["Config"]["Labels"]["dockherd.owner"] == "ann"
        bob = certified.docker("bob", tmp_path / f"bob{through}", (through + 1) % 3)
        assert name not in bob("ps", "-a", "--format", "{{.Names}}").out
        assert bob("stop", name, check=False).code != 0
        vera = certified.docker("vera", tmp_path / f"vera{through}", (through + 1) % 3)
        assert name in vera("ps", "--format", "{{.Names}}").out
        refused = vera("stop", name, check=False)
        assert refused.code != 0 and "viewer" in refused.err
        assert ann("rm", "-f", name).out.strip() == name


def test_a_certificate_whose_name_is_no_user_is_let_in_to_nothing(certified, tmp_path):
    nobody = certified.docker("nobody", tmp_path / "nobody")
    refused = nobody("ps", check=False)
    assert refused.code != 0 and "must know who calls" in refused.err, refused.err


def test_a_token_counts_before_the_certificate(certified, tmp_path):
    token = subprocess.run(
        [certified.program, "token", "add", "bob", "--role", "operator", "--users", certified.users],
        check=True, capture_output=True, text=True).stdout.strip()
    for agent in certified.agents:
        processes.send_signal(agent.pid, signal.SIGHUP)
    header = {"Authorization": f"Bearer {token}"}
    agent = certified.agents[0]
    until(lambda: agent.request("GET", "/info", None, header).status == 200, 30)
    # The connection's certificate is an admin's, and bob may not leave the pool.
    body = json.dumps({"action": "unregister", "hostname": certified.hosts[1].name})
    assert agent.request("POST", "/", body, header).status == 403
    assert agent.request("GET", "/info", None, {"Authorization": "Bearer dht_wrong"}).status == 401


def test_an_operators_container_is_still_his_where_it_runs_again(certified, tmp_path):
    ann = certified.docker("ann", tmp_path / "ann")
    old = run(ann, "moves", "-e", "reschedule:on-node-failure", "-m", "32m", "--cap-drop", "ALL",
              "--read-only", "-e", f"constraint:node!={certified.hosts[0].name}").out.strip()
    (home, _), = certified.places(0, "moves")
    lost = [host.name for host in certified.hosts].index(home)
    time.sleep(1)  # Its keepers are told once the daemon was asked.
    certified.hosts[lost].off()
    until(lambda: len(certified.places(0, "moves")) == 1, 60, what="it runs again")
    (there, new), = certified.places(0, "moves")
    assert there not in (home, certified.hosts[0].name) and new != old
    other, = [host for host in certified.hosts if host.name == there]
    inspected = json.loads(other.docker("inspect", new))[0]
    assert inspected["Config"]["Labels"]["dockherd.owner"] == "ann"
    assert inspected["HostConfig"]["Memory"] == 32 << 20
    assert inspected["HostConfig"]["CapDrop"] == ["ALL"]
    assert inspected["HostConfig"]["ReadonlyRootfs"] is True
    bob = certified.docker("bob", tmp_path / "bob")
    assert bob("stop", "moves", check=False).code != 0
    assert ann("rm", "-f", "moves").out.strip() == "moves"
