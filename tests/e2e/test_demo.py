"""The demo: its tour of the README runs, and it leaves nothing behind."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from herdlab import Lab, processes, until
from herdlab.agent import ROOT

sys.path.insert(0, str(ROOT / "tests" / "lab"))
import demo  # noqa: E402

LIMIT = 90  # Seconds for the demo to end; it takes about one.


@contextlib.contextmanager
def running_demo(*arguments):
    """The part of scripts/demo after packages and build, on the build under test. It has a session
    of its own, as in a terminal, and ends with us whatever happens; its lab's keeper does the rest.
    """
    program = ("import sys; sys.path.insert(0, {lab!r}); import demo; demo.BINARIES = None;"
               "sys.argv[1:] = {arguments!r}; sys.exit(demo.main())")
    demo_process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", sys.executable, "-u", "-c",
         program.format(lab=str(ROOT / "tests" / "lab"), arguments=list(arguments))],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        yield demo_process
    finally:
        demo_process.kill()
        demo_process.wait()
        demo_process.stdout.close()


def test_the_tour_runs_every_command_of_the_readme():
    with running_demo("--tour") as tour:
        output, _ = tour.communicate(timeout=600)
    assert tour.returncode == 0, output
    commands = demo.commands_of((ROOT / "README.md").read_text())
    assert len(commands) >= 5
    for command in commands:
        assert f"$ {command}" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_demo_stays_until_a_signal_and_leaves_nothing(number):
    with running_demo("--hosts", "2") as running:
        lines = []
        for line in running.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        output = "".join(lines)
        assert "export NODE1=http://10." in output and "export NODE2=http://10." in output, output
        url = re.search(r"export NODE2=(\S+)", output).group(1)
        listing = subprocess.run(["curl", "-sS", "-m", "60", url, "-d", '{"action":"list-nodes"}'],
                                 capture_output=True, text=True, check=True).stdout
        assert "host1" in listing and "host2" in listing
        directory = pathlib.Path(re.search(r"Logs: (\S+)/h\*", output).group(1))
        assert directory.exists()
        os.kill(running.pid, number)
        running.communicate(timeout=LIMIT)
        assert running.returncode == 0
        assert not directory.exists() and not processes.marked_pids(directory)


def test_commands_are_read_from_marked_blocks_only():
    text = ("# A\n```sh\nnever\n```\n```sh tour\n# a comment\none  # with a word\n\n"
            "two \\\n  more\nthree '{\n  \"a\": 1}'\n```\n```json\nno\n```\n```sh tour\nfour\n```\n")
    assert demo.commands_of(text) == ["one  # with a word", "two \\\n  more",
                                      "three '{\n  \"a\": 1}'", "four"]


def test_a_failing_command_fails_the_tour(tmp_path, monkeypatch, capsys):
    (tmp_path / "README.md").write_text("```sh tour\ntrue\nfalse\n```\n")
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    with Lab() as lab:
        lab.up(1, daemon="none")
        assert demo.tour(lab) == 1
    assert "2 commands, 1 failed" in capsys.readouterr().out
    until(lambda: not lab.directory.exists(), 30)
