"""The lab itself: it leaves nothing behind, however its owner ends."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from herdlab import Lab, keeper, processes, until
from herdlab.lab import herd_is_whole

LAB = pathlib.Path(__file__).resolve().parent.parent / "lab"
OWNER = f"""
import sys, time
sys.path.insert(0, {str(LAB)!r})
from herdlab import Lab
lab = Lab()
host = lab.up(1)[0]
host.docker("run", "-d", "--network", "none", "busybox")
print(lab.directory, lab.network.uplink, lab._keeper.pid, lab.network.holder, flush=True)
time.sleep(600)
"""
LOOPBACK_OWNER = f"""
import sys, time
sys.path.insert(0, {str(LAB)!r})
from herdlab import LoopbackHerd
with LoopbackHerd(1) as herd:
    print(herd.directory, flush=True)
    time.sleep(600)
"""


def start(program):
    """Runs it, to be killed by the test; returns it and the words of its first line."""
    owner = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", program],
                             stdout=subprocess.PIPE, text=True)
    return owner, owner.stdout.readline().split()


def start_owner():
    owner, (directory, uplink, keeper_pid, holder) = start(OWNER)
    return owner, pathlib.Path(directory), uplink, int(keeper_pid), int(holder)


def is_gone(directory, uplink):
    cgroups = [path for pattern in (f"{directory.name}*", f"*/{directory.name}*")
               for path in pathlib.Path("/sys/fs/cgroup").glob(pattern)]
    links = processes.run(["ip", "-o", "link"]).stdout
    return (not directory.exists() and not cgroups and uplink not in links
            and not processes.marked_pids(directory))


def test_nothing_is_left_when_the_owner_is_killed():
    owner, directory, uplink, _, _ = start_owner()
    assert not is_gone(directory, uplink) and directory.exists()
    owner.kill()
    owner.wait()
    until(lambda: is_gone(directory, uplink), 60)


def test_the_next_lab_sweeps_up_when_the_keeper_was_killed_too():
    owner, directory, uplink, keeper_pid, holder = start_owner()
    processes.send_signal(keeper_pid, signal.SIGKILL)
    owner.kill()
    owner.wait()
    until(lambda: not processes.is_running(keeper_pid), 30)
    until(lambda: not processes.is_running(holder), 30, what="the network ends with its owner")
    keeper.sweep()
    until(lambda: is_gone(directory, uplink), 60)


def test_a_loopback_herd_whose_owner_was_killed_is_swept_up():
    owner, (name,) = start(LOOPBACK_OWNER)
    directory = pathlib.Path(name)
    keeper.sweep()
    assert directory.exists() and processes.marked_pids(directory)
    owner.kill()
    owner.wait()
    until(lambda: not processes.marked_pids(directory), 30)
    keeper.sweep()
    assert not directory.exists()


def test_a_sweep_leaves_alone_what_is_being_made():
    directory, lock = keeper.claim(keeper.PREFIX)
    unfinished, abandoned = directory.with_name(directory.name + "-1"), \
        directory.with_name(directory.name + "-2")
    unfinished.mkdir()
    abandoned.mkdir()
    os.utime(abandoned, (0, 0))
    try:
        keeper.sweep()
        assert directory.exists() and unfinished.exists() and not abandoned.exists()
    finally:
        os.close(lock)
        shutil.rmtree(unfinished)
    keeper.sweep()
    assert not directory.exists()


def test_a_pid_file_is_believed_only_of_the_very_process(tmp_path):
    file = tmp_path / "pid"
    child = subprocess.Popen(["sleep", "600"])
    try:
        processes.remember(file, child.pid)
        assert processes.recall(file) == child.pid
        # The number is that of a process, but of one that began at another time.
        number, started = file.read_text().split()
        file.write_text(f"{number} {int(started) - 1}")
        assert processes.recall(file) is None
        processes.remember(file, child.pid)
    finally:
        child.kill()
    until(lambda: processes.recall(file) is None, 30)
    child.wait()
    file.unlink()
    assert processes.recall(file) is None


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
        # The first packets wait for addresses to be resolved: one ping may be lost.
        until(lambda: reaches(first, second.address), 30)
        until(lambda: reaches(first, f"{lab.network.base}.1"), 30)
        second.cut()
        assert not reaches(first, second.address)
        second.heal()
        until(lambda: reaches(first, second.address), 30)
        lab.split([first], [second])
        assert not reaches(first, second.address)
        lab.rejoin()
        until(lambda: reaches(first, second.address), 30)
        second.off()
        assert not reaches(first, second.address)
        second.on()
        until(lambda: reaches(first, second.address), 30)


def test_a_host_whose_first_process_is_gone_is_off():
    with Lab() as lab:
        (host,) = lab.up(1, daemon="none")
        init = host.init
        assert init is not None
        processes.send_signal(init, signal.SIGKILL)
        until(lambda: host.init is None, 30)
        # Its number has become another's: that of the keeper, say.
        (host.directory / "init.pid").write_text(str(lab._keeper.pid))
        assert host.init is None


def test_a_herd_with_a_daemon_down_or_an_agent_gone_is_not_whole():
    with Lab() as lab:
        lab.up(2, daemon="fake")
        agents = lab.start_agents()
        herd_is_whole(agents)
        lab.hosts[1].crash_dockerd()
        until(lambda: agents[0].nodes()["host2"]["state"] == "daemon down", 30)
        with pytest.raises(TimeoutError, match="daemon down"):
            herd_is_whole(agents, 0.5)
        lab.hosts[1].restart_dockerd()
        herd_is_whole(agents)
        agents[1].kill()
        until(lambda: agents[0].nodes()["host2"]["state"] == "lost", 30)
        with pytest.raises(TimeoutError, match="lost"):
            herd_is_whole(agents, 0.5)
