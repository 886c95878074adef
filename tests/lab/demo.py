"""The demo behind scripts/demo: a herd that stays until Ctrl-C, or a tour of the README."""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from herdlab import Lab  # noqa: E402
from herdlab.agent import ROOT  # noqa: E402
from herdlab.lab import herd_is_whole  # noqa: E402

BINARIES = ROOT / "build" / "release"  # None: the build under test.

# A fenced block of the README whose info string is "sh tour" is run by the tour, line by line.
BLOCK = re.compile(r"^```sh tour\s*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


class Ended(Exception):
    """A signal asks for the end."""


def say(text):
    print(f"\033[1m==> {text}\033[0m" if sys.stdout.isatty() else f"==> {text}", flush=True)


def commands_of(text):
    """The commands of the tour's blocks. A line that ends in a backslash, or that leaves a quote
    open, goes on; lines of comment or white space are left out."""
    found = []
    for block in BLOCK.findall(text):
        pending = ""
        for line in block.splitlines():
            pending += line
            if pending.endswith("\\") or pending.count("'") % 2:
                pending += "\n"
                continue
            if pending.strip() and not pending.lstrip().startswith("#"):
                found.append(pending)
            pending = ""
        if pending.strip():
            raise ValueError(f"a command of the tour does not end: {pending!r}")
    return found


def variables(lab):
    """What the README's commands may use: $NODE, $NODE1 …, $DOCKER1 …"""
    found = {"NODE": f"http://{lab.hosts[0].address}:8080"}
    for host in lab.hosts:
        found[f"NODE{host.number}"] = f"http://{host.address}:8080"
    for host in lab.hosts:
        found[f"DOCKER{host.number}"] = f"unix://{host.docker_socket}"
    return found


def start(count):
    lab = Lab(binaries=BINARIES)
    try:
        for number in range(1, count + 1):
            lab.up(1)
            say(f"host {number} of {count}: Docker runs, busybox is imported")
        agents = lab.start_agents()
        say("waiting until the herd is whole")
        herd_is_whole(agents)
        return lab
    except BaseException:
        lab.close()
        raise


def welcome(lab):
    say(f"the herd of {len(lab.hosts)} is whole; every node answers for all of it")
    print("\nPaste this into another terminal; then each command works as it stands:\n")
    for name, value in variables(lab).items():
        print(f"  export {name}={value}")
    print("\nCommands to try (send them to any node: $NODE1, $NODE2, …):\n")
    readme = ROOT / "README.md"
    commands = commands_of(readme.read_text()) if readme.exists() else []
    for command in commands or ["""curl "$NODE" -d '{"action":"list-nodes"}'"""]:
        print("  " + command.replace("\n", "\n  "))
    print(f"\nLogs: {lab.directory}/h*/host*.log")
    print("Ctrl-C ends the herd and removes everything.", flush=True)


def tour(lab):
    """Runs the README's commands; the number of those that failed."""
    commands = commands_of((ROOT / "README.md").read_text())
    if not commands:
        say('README.md has no block marked "sh tour"')
        return 1
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        # An answer of 400 and above is a failure here, and nothing may hang.
        (pathlib.Path(home) / ".curlrc").write_text(
            "silent\nshow-error\nfail-with-body\nmax-time = 60\n")
        environment = {**os.environ, **variables(lab), "CURL_HOME": home,
                       "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        environment.pop("DOCKER_HOST", None)
        for command in commands:
            print(f"\n$ {command}", flush=True)
            result = subprocess.run(["bash", "-c", command], env=environment, cwd=ROOT,
                                    stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                    stdout=subprocess.PIPE, text=True, check=False, timeout=120)
            print(result.stdout.rstrip(), flush=True)
            if result.returncode != 0:
                failed += 1
                print(f"(failed: exit {result.returncode})", flush=True)
    say(f"{len(commands)} commands, {failed} failed")
    return failed


def end(*_):
    raise Ended()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--tour", action="store_true")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    lab = None
    code = 0
    try:
        lab = start(options.hosts)
        if options.tour:
            code = 1 if tour(lab) else 0
        else:
            welcome(lab)
            while True:
                signal.pause()
    except Ended:
        pass
    finally:
        # A closed terminal must not keep the clean-up from its end; a second Ctrl-C neither.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if lab:
            lab.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
