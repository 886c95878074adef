"""The docker command as users type it, with DOCKER_HOST pointing to an agent of the herd.

Knows nothing of how the herd answers: the same calls work against a daemon.
"""

import fcntl
import itertools
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time

DEBIANS = "/usr/bin/docker"
LIMIT = 120  # Seconds for a command to end; most take a tenth of one.


def programs():
    """The docker commands of this machine: Debian's, and another one that comes first in PATH."""
    found = [shutil.which("docker"), DEBIANS]
    return list(dict.fromkeys(path for path in found if path and os.access(path, os.X_OK)))


def on(host):
    """Arguments for run and create that place the container on this host."""
    return ["-e", f"constraint:node=={host.name}"]


class Outcome:
    """How a command ended: `code`, and what it said as text."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def text(self):
        """What was said, without the last line's end."""
        return self.out.strip()

    def __repr__(self):
        return f"<exit {self.code}; out: {self.out[-3000:]!r}; err: {self.err[-3000:]!r}>"


class Cli:
    """One docker command with one agent to ask. The configuration is empty, and in `directory`."""

    def __init__(self, agent, directory, program=None):
        self.agent = agent
        self.program = program or programs()[0]
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "DOCKER_HOST": f"tcp://{agent.address}:{agent.port}",
            "DOCKER_CONFIG": str(directory),
            "DOCKER_BUILDKIT": "0",
        }
        self._directory = directory

    def asking(self, agent):
        """The same command, with another agent to ask."""
        return Cli(agent, self._directory, self.program)

    def __call__(self, *arguments, check=True, stdin=None, timeout=LIMIT):
        """Runs it to its end. `stdin` is text or bytes; none is an empty file."""
        result = self.raw(*arguments, stdin=stdin.encode() if isinstance(stdin, str) else stdin,
                          timeout=timeout)
        outcome = Outcome(result.returncode, result.stdout.decode(errors="replace"),
                          result.stderr.decode(errors="replace"))
        assert outcome.code == 0 or not check, f"docker {' '.join(map(str, arguments))}: {outcome}"
        return outcome

    def raw(self, *arguments, stdin=None, stdin_file=None, timeout=LIMIT, program=None):
        """The same with bytes; never judges the exit code."""
        source = {"input": stdin} if stdin is not None else {
            "stdin": stdin_file or subprocess.DEVNULL}
        return subprocess.run([program or self.program, *map(str, arguments)], **source,
                              capture_output=True, timeout=timeout, env=self.environment, cwd="/",
                              check=False)

    def begin(self, *arguments, stdin=False):
        """Starts it and does not wait; see Running. With `stdin` it can be written to."""
        return Running([self.program, *map(str, arguments)], self.environment, stdin)

    def terminal(self, *arguments, rows=24, columns=80):
        """Starts it on a terminal of its own; see Terminal."""
        return Terminal([self.program, *map(str, arguments)], self.environment, rows, columns)


class _Started:
    """A command under way, as a context manager that leaves none behind. `_text` is what it has
    said."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._close()

    @property
    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=LIMIT):
        """The exit code."""
        return self.process.wait(seconds)

    def _until(self, found, what, seconds):
        deadline = time.monotonic() + seconds
        while not found():
            gone = not self.alive and not self._reading()
            if gone and not found():
                raise AssertionError(f"{what}: ended with {self.process.wait()}: {self._said()!r}")
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s: {self._said()!r}"
            time.sleep(0.01)


class Running(_Started):
    def __init__(self, command, environment, stdin):
        self.process = subprocess.Popen(
            command, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, start_new_session=True)
        self._out, self._err = bytearray(), bytearray()
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in
                         ((self.process.stdout, self._out), (self.process.stderr, self._err))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, into):
        while piece := os.read(stream.fileno(), 65536):
            into.extend(piece)

    def _reading(self):
        return any(reader.is_alive() for reader in self._readers)

    def _said(self):
        return (self.out[-3000:], self.err[-3000:])

    def _close(self):
        for reader in self._readers:
            reader.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass

    @property
    def out(self):
        return self._out.decode(errors="replace")

    @property
    def err(self):
        return self._err.decode(errors="replace")

    @property
    def lines(self):
        """The complete lines so far."""
        return self.out.split("\n")[:-1]

    def write(self, text):
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def expect(self, text, seconds=60):
        """Waits until it has said this, on either output."""
        self._until(lambda: text in self.out or text in self.err, f"{text!r} is said", seconds)
        return self

    def expect_lines(self, count, seconds=60):
        self._until(lambda: len(self.lines) >= count, f"{count} lines", seconds)
        return self.lines

    def outcome(self, seconds=LIMIT):
        code = self.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        return Outcome(code, self.out, self.err)


class Terminal(_Started):
    """A command on a pseudo terminal, which can be typed at and resized."""

    _marks = itertools.count(1)

    def __init__(self, command, environment, rows, columns):
        self._screen, inner = os.openpty()
        self.resize(rows, columns, tell=False)
        # setsid makes the terminal the session's own, so that a resize is signalled.
        self.process = subprocess.Popen(["setsid", "--ctty", *command], env=environment, cwd="/",
                                        stdin=inner, stdout=inner, stderr=inner)
        os.close(inner)
        self._text = bytearray()
        self._looked = 0  # expect() looks from here on.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            ready, _, _ = select.select([self._screen], [], [], 0.2)
            if ready:
                try:
                    piece = os.read(self._screen, 65536)
                except OSError:  # The other side is closed.
                    return
                if not piece:
                    return
                self._text.extend(piece)
            elif not self.alive:
                return

    def _reading(self):
        return self._reader.is_alive()

    def _said(self):
        return self.text[-3000:]

    def _close(self):
        self._reader.join(10)
        os.close(self._screen)

    @property
    def text(self):
        return self._text.decode(errors="replace")

    def resize(self, rows, columns, tell=True):
        fcntl.ioctl(self._screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:  # The kernel does so too, should the command be in the foreground.
            self.signal(signal.SIGWINCH)

    def type(self, text):
        os.write(self._screen, text.encode())

    def expect(self, pattern, seconds=60):
        """Waits for a match of the pattern behind the last one; returns it."""
        found = []

        def look():
            found[:] = [re.compile(pattern).search(self.text, self._looked)]
            return found[0]

        self._until(look, f"/{pattern}/", seconds)
        self._looked = found[0].end()
        return found[0]

    def ask(self, command):
        """Types a shell's command; returns what it said, when it has ended."""
        mark = f"done{next(self._marks)}"
        # The mark is typed in two pieces, so that the echo of it is not taken for the answer.
        self.type(f"{command}; echo {mark[:2]}''{mark[2:]}\n")
        return self.expect(rf"\n((?:.*\n)*?){mark}\r?\n").group(1).strip()
