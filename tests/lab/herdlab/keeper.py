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


def remove_cgroups(name, seconds=5.0):
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


def clean_up(directory):
    """Ends the lab at `directory`. Returns what could not be cleaned, as sentences."""
    directory = pathlib.Path(directory)
    left = []
    if not processes.kill_marked(directory):
        left.append(f"processes are still running: {processes.marked_pids(directory)}")
    # The kernel takes namespaces, links, mounts and containers away with their processes; it may
    # take its time over the links, so the one in the caller's network is removed here.
    remove_uplink(directory)
    if not remove_cgroups(directory.name):
        left.append(f"cgroups named {directory.name}* could not be removed")
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        left.append(f"{directory} could not be removed")
    return left


def sweep():
    """Cleans up labs whose keeper was killed as well: nobody holds their lock any more."""
    for lock in pathlib.Path(tempfile.gettempdir()).glob(PREFIX + "*/lock"):
        try:
            with open(lock, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                clean_up(lock.parent)
        except OSError:
            continue  # In use, or being removed by someone else.


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
