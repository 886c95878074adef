"""The lab itself: it leaves nothing behind, however its owner ends."""

import pathlib
import signal
import subprocess
import sys

from herdlab import Lab, keeper, processes, until

LAB = pathlib.Path(__file__).resolve().parent.parent / "lab"
OWNER = f"""
import sys, time
sys.path.insert(0, {str(LAB)!r})
from herdlab import Lab
lab = Lab()
host = lab.up(1)[0]
host.docker("run", "-d", "--network", "none", "busybox")
print(lab.directory, lab.network.uplink, lab._keeper.pid, flush=True)
time.sleep(600)
"""


def start_owner():
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    directory, uplink, keeper_pid = owner.stdout.readline().split()
    return owner, pathlib.Path(directory), uplink, int(keeper_pid)


def is_gone(directory, uplink):
    cgroups = [path for pattern in (f"{directory.name}*", f"*/{directory.name}*")
               for path in pathlib.Path("/sys/fs/cgroup").glob(pattern)]
    links = processes.run(["ip", "-o", "link"]).stdout
    return (not directory.exists() and not cgroups and uplink not in links
            and not processes.marked_pids(directory))


def test_nothing_is_left_when_the_owner_is_killed():
    owner, directory, uplink, _ = start_owner()
    assert not is_gone(directory, uplink) and directory.exists()
    owner.kill()
    owner.wait()
    until(lambda: is_gone(directory, uplink), 20)


def test_the_next_lab_sweeps_up_when_the_keeper_was_killed_too():
    owner, directory, uplink, keeper_pid = start_owner()
    processes.send_signal(keeper_pid, signal.SIGKILL)
    owner.kill()
    owner.wait()
    until(lambda: not processes.is_running(keeper_pid), 5)
    assert directory.exists()
    keeper.sweep()
    until(lambda: is_gone(directory, uplink), 20)


def test_a_sweep_leaves_labs_in_use_alone():
    with Lab() as lab:
        keeper.sweep()
        assert lab.directory.exists()
        assert lab.network.holder in processes.marked_pids(lab.directory)
    assert is_gone(lab.directory, lab.network.uplink)


def test_hosts_are_apart_and_reach_each_other():
    with Lab() as lab:
        first, second = lab.up(2, daemon="none")

        def reaches(host, address):
            ping = host.run("/bin/busybox", "ping", "-c1", "-W1", address, check=False)
            return ping.returncode == 0

        assert first.run("hostname").stdout.strip() == "host1"
        assert reaches(first, second.address) and reaches(first, f"{lab.network.base}.1")
        second.cut()
        assert not reaches(first, second.address)
        second.heal()
        until(lambda: reaches(first, second.address), 5)
        lab.split([first], [second])
        assert not reaches(first, second.address)
        lab.rejoin()
        until(lambda: reaches(first, second.address), 5)
        second.off()
        assert not reaches(first, second.address)
        second.on()
        until(lambda: reaches(first, second.address), 5)
