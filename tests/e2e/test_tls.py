"""The herd by TLS: clients with certificates, agents with the herd's key, a daemon on TCP.

Two hosts. The agent of the first has its daemon on the usual socket, that of the second by TCP and
TLS. Clients ask the first for containers of the second: each call goes through all three kinds.
"""

import signal
import socket
import ssl
import subprocess

import pytest

from certificates import Authority, trusting
from docker_cli import Cli, on, programs
from herdlab import Lab, processes, until
from herdlab.lab import herd_is_whole

CLIENTS_PORT = 8443
AGENTS_PORT = 7401
DAEMON_PORT = 2376


class TlsHerd:
    def __init__(self, lab, directory):
        self.lab = lab
        self.directory = directory
        self.authority = Authority(directory / "authority")
        self.stranger = Authority(directory / "stranger", "stranger")
        self.client = self.authority.issue(directory / "client", "ann")
        self.key = directory / "herd.key"
        subprocess.run([lab.program("dockherd"), "keygen", self.key], check=True, timeout=30,
                       capture_output=True)
        for number in (1, 2):
            self.authority.issue(self.files(number), f"host{number}", lab.network.address(number))
        daemon = self.authority.issue(directory / "daemon", "daemon", lab.network.address(2))
        lab.dockerd_flags = ["-H", f"tcp://0.0.0.0:{DAEMON_PORT}", "--tlsverify",
                             f"--tlscacert={self.authority.file}",
                             f"--tlscert={daemon / 'cert.pem'}", f"--tlskey={daemon / 'key.pem'}"]
        self.hosts = lab.up(2)
        self.agents = [self.agent(host) for host in self.hosts]

    def files(self, number):
        return self.directory / f"host{number}"

    def agent(self, host):
        files = self.files(host.number)
        conf = {"http": f"{host.address}:{CLIENTS_PORT}", "key": str(self.key),
                "agentsPort": AGENTS_PORT,
                "tls": {"cert": str(files / "cert.pem"), "key": str(files / "key.pem"),
                        "client_ca": str(self.authority.file)}}
        if host.number == 2:
            conf["docker"] = f"tcp://{host.address}:{DAEMON_PORT}"
            conf["dockerTls"] = {"ca": str(self.authority.file), "cert": str(self.client / "cert.pem"),
                                 "key": str(self.client / "key.pem")}
        return host.agent(port=CLIENTS_PORT, conf=conf, arguments=(), tls=trusting(self.client))


@pytest.fixture(scope="module")
def tls_herd(tmp_path_factory):
    with Lab() as lab:
        herd = TlsHerd(lab, tmp_path_factory.mktemp("tls"))
        for agent in herd.agents:
            agent.begin()
        for agent in herd.agents:
            agent.wait_until_up()
        herd_is_whole(herd.agents)
        yield herd
        codes = [agent.stop() for agent in herd.agents if agent.alive]
        assert codes == [0] * len(codes), [agent.log_text()[-3000:] for agent in herd.agents]


@pytest.fixture(params=programs(), ids=lambda path: path.strip("/").replace("/", "-"))
def docker(request, tls_herd, tmp_path):
    """The docker command as users with certificates call it, asking the agent of the first host."""
    for host in tls_herd.hosts:
        host.remove_containers()
    cli = Cli(tls_herd.agents[0], tmp_path, request.param)
    cli.environment |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tls_herd.client)}
    return cli


def elsewhere(herd):
    return [*on(herd.hosts[1]), "--network", "none"]


# Clients ------------------------------------------------------------------------------------------

def test_the_flags_of_the_docker_command_work(docker, tls_herd):
    files = tls_herd.client
    docker("run", "-d", "--name", "there", *elsewhere(tls_herd), "busybox", "sleep", "3600")
    del docker.environment["DOCKER_TLS_VERIFY"], docker.environment["DOCKER_CERT_PATH"]
    said = docker("--tlsverify", "--tlscacert", files / "ca.pem", "--tlscert", files / "cert.pem",
                  "--tlskey", files / "key.pem", "ps", "--format", "{{.Names}}")
    assert said.lines == ["host2/there"]


def test_run_gives_its_input_and_its_end_and_shows_what_comes_after(docker, tls_herd):
    ended = docker("run", "--rm", "-i", *elsewhere(tls_herd), "busybox", "sh", "-c",
                   "wc -c; sleep 1; echo afterwards; exit 4", stdin="five!", check=False)
    assert (ended.code, ended.out) == (4, "5\nafterwards\n")


def test_large_streams_pass_whole_in_both_directions(docker, tls_herd):
    text = "".join(f"{number}\n" for number in range(200_000))
    assert docker("run", "--rm", "-i", *elsewhere(tls_herd), "busybox", "cat", stdin=text).out == text


def test_exec_logs_and_cp(docker, tls_herd, tmp_path):
    docker("run", "-d", "--name", "box", *elsewhere(tls_herd), "busybox", "sh", "-c",
           "echo one; while [ ! -e /go ]; do sleep 0.1; done; echo two; sleep 3600")
    with docker.begin("logs", "-f", "box") as logs:
        assert logs.expect_lines(1) == ["one"]
        assert docker("exec", "-i", "box", "cat", stdin="by exec").out == "by exec"
        docker("exec", "box", "touch", "/go")
        assert logs.expect_lines(2) == ["one", "two"]
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    docker("cp", tmp_path / "file", "box:/file")
    docker("cp", "box:/file", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()


@pytest.mark.parametrize("who", ["nobody", "of another authority"])
def test_a_client_without_a_certificate_of_the_authority_is_not_in(tls_herd, who):
    files = tls_herd.directory / who.replace(" ", "-")
    if who == "nobody":
        files.mkdir()
    else:
        tls_herd.stranger.issue(files, "ann")
    (files / "ca.pem").write_bytes(tls_herd.authority.file.read_bytes())
    agent = tls_herd.agents[0]
    own, agent.tls = agent.tls, trusting(files)
    try:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            agent.get("/")
    finally:
        agent.tls = own
    until(lambda: "refused at the TLS handshake" in agent.log_text(), 10)


def test_a_client_does_not_believe_another_authority(tls_herd):
    files = tls_herd.stranger.issue(tls_herd.directory / "mistrusting", "ann")
    agent = tls_herd.agents[0]
    connection = agent.open_socket()
    with pytest.raises(ssl.SSLCertVerificationError):
        trusting(files).wrap_socket(connection, server_hostname=agent.address)


def test_plain_http_is_told_to_come_by_tls(tls_herd):
    agent = tls_herd.agents[0]
    own, agent.tls = agent.tls, None
    try:
        answers = [agent.get("/") for _ in range(3)]
    finally:
        agent.tls = own
    assert all(answer.status == 400 and "use https://" in answer.text for answer in answers), answers
    assert agent.log_text().count("speaks plain HTTP to the port for TLS") == 1


# Agents -------------------------------------------------------------------------------------------

def test_list_nodes_shows_where_clients_go(tls_herd):
    for agent in tls_herd.agents:
        assert {name: each["address"] for name, each in agent.nodes().items()} == {
            host.name: f"{host.address}:{CLIENTS_PORT}" for host in tls_herd.hosts}


def agents_port(agent):
    return socket.create_connection((agent.address, AGENTS_PORT), timeout=30)


def test_who_lacks_the_key_does_not_get_in_at_the_agents_port(tls_herd):
    for files in (tls_herd.client, None):
        context = ssl.create_default_context() if files is None else trusting(files)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with agents_port(tls_herd.agents[1]) as connection:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(connection)


def test_plain_http_does_not_get_in_at_the_agents_port(tls_herd):
    with agents_port(tls_herd.agents[1]) as connection:
        connection.sendall(b"GET /containers/json HTTP/1.1\r\nHost: a\r\n\r\n")
        said = b""
        while piece := connection.recv(4096):
            said += piece
    assert said.startswith(b"HTTP/1.1 400 ") and b"use https://" in said, said


# SIGHUP -------------------------------------------------------------------------------------------

def subject_shown(agent):
    with agent.tls.wrap_socket(agent.open_socket(), server_hostname=agent.address) as connection:
        return dict(pair for part in connection.getpeercert()["subject"] for pair in part)["commonName"]


def test_sighup_takes_a_new_certificate_and_keeps_streams(docker, tls_herd):
    agent, host = tls_herd.agents[0], tls_herd.hosts[0]
    docker("run", "-d", "--name", "talks", *elsewhere(tls_herd), "busybox", "sh", "-c",
           "echo one; while [ ! -e /go ]; do sleep 0.1; done; echo two; sleep 3600")
    before = agent.log_text().count("reloaded the certificate")
    name = f"renewed{before}"
    with docker.begin("logs", "-f", "talks") as logs:
        logs.expect_lines(1)
        tls_herd.authority.issue(tls_herd.files(1), name, host.address)
        processes.send_signal(agent.pid, signal.SIGHUP)
        until(lambda: agent.log_text().count("reloaded the certificate") > before, 30)
        assert subject_shown(agent) == name
        docker("exec", "talks", "touch", "/go")
        assert logs.expect_lines(2) == ["one", "two"]


def test_sighup_with_a_broken_file_keeps_the_old_certificate(tls_herd):
    agent = tls_herd.agents[1]
    file = tls_herd.files(2) / "cert.pem"
    good, shown = file.read_bytes(), subject_shown(agent)
    file.write_text("not a certificate")
    try:
        processes.send_signal(agent.pid, signal.SIGHUP)
        until(lambda: "not reloaded, the old one stays" in agent.log_text(), 30)
        assert str(file) in agent.log_text()
        assert subject_shown(agent) == shown
    finally:
        file.write_bytes(good)
