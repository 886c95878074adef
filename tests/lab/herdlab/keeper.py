"""Cleans up after a lab: as a program, when its owner's end of a pipe closes, however it died.

The owner holds the only writing end of our standard input; nothing is ever written to it.
"""

import fcntl
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from herdlab import processes  # noqa: E402  (also run as a script)

PREFIX = "dockherd-lab-"
LOOPBACK_PREFIX = "dockherd-loopback-"
PATIENCE = 20.0  # Seconds for each thing that has to go; a busy machine takes its time.
UNFINISHED_AGE = 60.0  # A directory without a lock for so long: its maker was killed at once.


def claim(prefix):
    """A new state directory, and the descriptor of its lock, which is held from the first moment
    that another's sweep() can see it."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    lock = os.open(directory / "lock.new", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.rename(directory / "lock.new", directory / "lock")
    return directory, lock


def remove_cgroups(name, seconds=PATIENCE):
    """Removes what dockerd left below its --cgroup-parent, under cgroup v1 and v2."""
    root = pathlib.Path("/sys/fs/cgroup")
    deadline = time.monotonic() + seconds
    while True:
        tops = [path for pattern in (f"{name}*", f"*/{name}*") for path in root.glob(pattern)]
        if not tops or time.monotonic() > deadline:
            return not tops
        for top in tops:
            for directory, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass  # A process in it is still on its way out: next round.
        time.sleep(0.02)


def remove_uplink(directory):
    try:
        uplink = json.loads((directory / "lab.json").read_text())["uplink"]
    except (OSError, ValueError):
        return  # The lab ended before it was complete.
    processes.run(["ip", "link", "del", uplink], check=False)


def remove_directory(directory, seconds=PATIENCE):
    """True when it is gone. Again and again: a process on its way out may still write into it."""
    deadline = time.monotonic() + seconds
    while directory.exists():
        shutil.rmtree(directory, ignore_errors=True)
        if time.monotonic() > deadline:
            return not directory.exists()
        time.sleep(0.02)
    return True


def clean_up(directory):
    """Ends the lab at `directory`. Returns what could not be cleaned, as sentences."""
    directory = pathlib.Path(directory)
    left = []
    if not processes.kill_marked(directory, PATIENCE):
        left.append(f"processes are still running: {processes.marked_pids(directory)}")
    # The kernel takes namespaces, links, mounts and containers away with their processes; it may
    # take its time over the links, so the one in the caller's network is removed here.
    remove_uplink(directory)
    if not remove_cgroups(directory.name):
        left.append(f"cgroups named {directory.name}* could not be removed")
    if not remove_directory(directory):
        left.append(f"{directory} could not be removed")
    return left


def sweep():
    """Cleans up labs whose keeper was killed as well, and loopback herds whose owner was: nobody
    holds their lock any more."""
    top = pathlib.Path(tempfile.gettempdir())
    for directory in [*top.glob(PREFIX + "*"), *top.glob(LOOPBACK_PREFIX + "*")]:
        try:
            if not directory.is_dir():
                continue
            if not (directory / "lock").exists():
                if time.time() - directory.stat().st_mtime > UNFINISHED_AGE:
                    clean_up(directory)
                continue
            with open(directory / "lock", "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                clean_up(directory)
        except OSError:
            continue  # In use, another user's, or being removed by someone else.


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    directory = sys.argv[1]
    while os.read(0, 1):
        pass
    left = clean_up(directory)
    for sentence in left:
        print(f"lab: {sentence}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
