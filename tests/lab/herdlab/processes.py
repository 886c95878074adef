"""Finding and ending the processes of a lab. Knows nothing of networks or Docker."""

import os
import pathlib
import signal
import subprocess
import time

MARK = "DOCKHERD_LAB"  # Environment of every process of a lab: MARK=state directory.


def clean_environment(directory, **more):
    """An environment without the caller's Docker settings, marked as belonging to `directory`."""
    environment = {
        "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        MARK: str(directory),
    }
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment.update(more)
    return environment


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def marked_pids(directory):
    """Processes that carry the mark of `directory`, whoever started them; never the caller."""
    wanted = f"{MARK}={directory}".encode()
    found = []
    for pid in all_pids():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if wanted in file.read().split(b"\0") and pid != os.getpid():
                    found.append(pid)
        except OSError:
            continue  # Ended meanwhile, or a kernel thread.
    return found


def _stat(pid, index):
    """A word of /proc/PID/stat, counted behind the name; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[index]
    except (OSError, IndexError):
        return None


def parent_of(pid):
    parent = _stat(pid, 1)
    return None if parent is None else int(parent)


def state_of(pid):
    """One letter as in ps ("S", "T", "Z"), or None when there is no such process."""
    return _stat(pid, 0)


def started_at(pid):
    """In ticks since the machine was booted. With the number it names a process for good: numbers
    are used again, after 32,768 processes on some machines."""
    ticks = _stat(pid, 19)
    return None if ticks is None else int(ticks)


def is_running(pid):
    return pid is not None and state_of(pid) not in (None, "Z", "X")


def remember(path, pid):
    """Writes a pid file that recall() trusts."""
    pathlib.Path(path).write_text(f"{pid} {started_at(pid)}")


def recall(path):
    """The process that remember() was told of while it runs, else None: its number may be that of
    another by now."""
    try:
        pid, started = map(int, pathlib.Path(path).read_text().split())
    except (OSError, ValueError):
        return None
    return pid if is_running(pid) and started_at(pid) == started else None


def children_of(pid):
    return [each for each in all_pids() if parent_of(each) == pid]


def first_child(pid, seconds=10.0):
    """The child of a wrapper such as nsenter or unshare, which forks once."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for child in children_of(pid):
            return child
        if not is_running(pid):
            return None
        time.sleep(0.005)
    return None


def namespace_of(pid, kind):
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


def in_pid_namespace(init):
    """Every process of the PID namespace whose first process is `init`, and of those nested."""
    wanted = namespace_of(init, "pid")
    inside = {pid for pid in all_pids() if wanted and namespace_of(pid, "pid") == wanted}
    parents = {pid: parent_of(pid) for pid in all_pids()}
    grown = True
    while grown:  # Containers have PID namespaces of their own, below ours.
        more = {pid for pid, parent in parents.items() if parent in inside} - inside
        inside |= more
        grown = bool(more)
    return sorted(inside)


def send_signal(pid, number):
    """False when the process is gone."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def freeze(pid):
    send_signal(pid, signal.SIGSTOP)


def thaw(pid):
    """Also the nsenter around it, which stops itself when it sees its child stopped."""
    parent = parent_of(pid)
    send_signal(pid, signal.SIGCONT)
    if parent and state_of(parent) == "T":
        send_signal(parent, signal.SIGCONT)


def kill_marked(directory, seconds=15.0):
    """Ends every process of the lab at `directory`. True when none is left."""
    deadline = time.monotonic() + seconds
    while True:
        alive = [pid for pid in marked_pids(directory) if is_running(pid)]
        if not alive:
            return True
        for pid in alive:
            send_signal(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)


def run(command, stdin=None, check=True, timeout=60, **more):
    """subprocess.run with text, captured output, and an error that shows what was said."""
    result = subprocess.run(command, input=stdin, text=True, capture_output=True, timeout=timeout,
                            check=False, **more)
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {result.returncode}\n"
                           f"{result.stdout}{result.stderr}")
    return result
