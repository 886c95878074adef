"""What answers at a host's Docker socket: a real dockerd, or the tests' fake one."""

import http.client
import signal
import socket

from . import image, processes
from .polling import until


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout=30):
        super().__init__("docker", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path, method, target, body=None, headers=None, timeout=30):
    """One request; returns (status, body bytes)."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class _Daemon:
    """Lifecycle: start(), wait_until_up(), then crash() or stop(), and start() again."""

    def __init__(self, host):
        self._host = host

    @property
    def _pid_file(self):
        return self._host.directory / "daemon.pid"

    @property
    def pid(self):
        """In the caller's numbering; None when it does not run."""
        return processes.recall(self._pid_file) if self._host.init else None

    def start(self):
        self._host.docker_socket.unlink(missing_ok=True)
        self._wrapper, pid = self._host.spawn(*self._command(),
                                              log=self._host.directory / "daemon.log",
                                              more_environment=self._environment())
        processes.remember(self._pid_file, pid)

    def wait_until_up(self, seconds=60):
        def answers():
            if self.pid is None:
                log = (self._host.directory / "daemon.log").read_text(errors="replace")
                raise RuntimeError(f"the daemon of {self._host.name} ended:\n{log[-3000:]}")
            return ask(self._host.docker_socket, "GET", "/_ping", timeout=2)[0] == 200

        until(answers, seconds, what=f"the daemon of {self._host.name} answers")

    def _end(self, number, seconds):
        pid = self.pid
        if pid is None:
            return
        processes.send_signal(pid, number)
        until(lambda: not processes.is_running(pid), seconds, what="the daemon ends")
        if getattr(self, "_wrapper", None):
            self._wrapper.wait(20)
        self._pid_file.unlink(missing_ok=True)

    def crash(self):
        self._end(signal.SIGKILL, 20)

    def stop(self):
        self._end(signal.SIGTERM, 30)

    def pause(self):
        processes.freeze(self.pid)

    def resume(self):
        processes.thaw(self.pid)

    def _environment(self):
        return {}

    def _command(self):
        raise NotImplementedError


class Dockerd(_Daemon):
    """Debian's dockerd on two unix sockets: the usual one inside the host, and one that the caller
    reaches through the file system."""

    def _command(self):
        # What it keeps in /run goes with a power cut, as it does on a real host.
        return ["dockerd", "--data-root", self._host.directory / "data", "--log-level", "warn",
                "-H", "unix:///run/docker.sock", "-H", f"unix://{self._host.docker_socket}",
                "--exec-opt", "native.cgroupdriver=cgroupfs",
                "--cgroup-parent", f"/{self._host.lab.directory.name}-h{self._host.number}",
                "--shutdown-timeout", "2", *self._host.lab.dockerd_flags]

    def _environment(self):
        # Swarm mode must not wait for a registry that is not there.
        return {"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE": "1"}

    def import_busybox(self):
        socket_path = self._host.docker_socket
        if ask(socket_path, "GET", "/images/busybox:latest/json")[0] == 200:
            return
        target = ("/images/create?fromSrc=-&repo=busybox&tag=latest"
                  "&changes=CMD%20%5B%22sleep%22%2C%223600%22%5D")
        status, body = ask(socket_path, "POST", target, body=image.busybox_tar(),
                           headers={"Content-Type": "application/x-tar"})
        if status != 200 or b'"error"' in body:
            raise RuntimeError(f"busybox could not be imported: {status} {body!r}")


class FakeDaemon(_Daemon):
    """The tests' fake_dockerd at the same two paths, by a symbolic link inside the host."""

    def _command(self):
        link = f"ln -sfn {self._host.docker_socket} /run/docker.sock && exec \"$@\""
        return ["sh", "-c", link, "fake", self._host.lab.program("fake_dockerd"),
                "--socket", self._host.docker_socket, "--name", self._host.name]

    def import_busybox(self):
        pass
