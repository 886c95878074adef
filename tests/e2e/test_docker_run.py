"""docker run, exec, attach and logs for containers of another host: streams, terminals, exit codes."""

import re
import time

import pytest

from docker_cli import LIMIT, on
from herdlab import until

ID = re.compile(r"[0-9a-f]{64}")
NOBODY_THERE = ("--network", "none")  # Starts fastest.


def run_arguments(herd, *more):
    return ["run", *on(herd.hosts[0]), *NOBODY_THERE, *more]


def started(docker, herd, *command, name="stays", options=()):
    """A container on the owner that stays until it is killed; returns its name."""
    command = command or ("sleep", "3600")
    docker(*run_arguments(herd, "-d", "--name", name, "--stop-timeout", "1", *options), "busybox",
           *command)
    return name


def is_gone(docker, name):
    return not docker("ps", "-aq", "--filter", f"name={name}").lines


# run ----------------------------------------------------------------------------------------------

def test_run_shows_both_outputs_apart_and_keeps_the_container(docker, herd):
    ended = docker(*run_arguments(herd, "--name", "speaks"), "busybox", "sh", "-c",
                   "echo to out; echo to err >&2")
    assert (ended.out, ended.err) == ("to out\n", "to err\n")
    assert herd.hosts[0].docker("ps", "-aq", "--filter", "name=speaks")
    assert docker("inspect", "-f", "{{.State.Status}}", "speaks").text == "exited"


def test_run_rm_leaves_no_container(docker, herd):
    ended = docker(*run_arguments(herd, "--rm", "--name", "passes"), "busybox", "echo", "here")
    assert ended.out == "here\n"
    until(lambda: is_gone(docker, "passes"), 30)
    assert herd.hosts[0].docker("ps", "-aq", "--filter", "name=passes") == ""


def test_run_detached_says_the_id_and_returns(docker, herd):
    identity = docker(*run_arguments(herd, "-d"), "busybox", "sleep", "3600").text
    assert ID.fullmatch(identity)
    assert identity in herd.hosts[0].docker("ps", "-q", "--no-trunc").split()
    assert docker("ps", "-q", "--no-trunc").lines == [identity]


def test_a_long_output_arrives_whole_and_in_order(docker, herd):
    ended = docker(*run_arguments(herd, "--rm"), "busybox", "seq", "1", "200000")
    assert ended.out == "".join(f"{number}\n" for number in range(1, 200001))


def test_run_with_piped_input_gives_it_all_and_its_end(docker, herd):
    text = "".join(f"line {number}\n" for number in range(100000))
    ended = docker(*run_arguments(herd, "--rm", "-i"), "busybox", "cat", stdin=text)
    assert ended.out == text


def test_what_comes_after_the_end_of_the_input_is_still_shown(docker, herd):
    ended = docker(*run_arguments(herd, "--rm", "-i"), "busybox", "sh", "-c",
                   "wc -c; sleep 1; echo afterwards; exit 4", stdin="five!", check=False)
    assert (ended.code, ended.out) == (4, "5\nafterwards\n")


def test_output_flows_while_the_input_stays_open(docker, herd):
    with docker.begin(*run_arguments(herd, "--rm", "-i"), "busybox", "cat", stdin=True) as running:
        for number in range(5):
            running.write(f"ping {number}\n")
            running.expect(f"ping {number}\n")
        running.end_input()
        assert running.wait() == 0


@pytest.mark.parametrize("code, arguments", [
    (0, ("busybox", "true")),
    (1, ("busybox", "false")),
    (77, ("busybox", "sh", "-c", "exit 77")),
    (125, ("--memory", "1k", "busybox", "true")),
    (125, ("no/such/image:here", "true")),
    (126, ("busybox", "/etc/passwd")),
    (127, ("busybox", "no-such-program")),
    (143, ("busybox", "sh", "-c", "trap 'exit 143' TERM; kill -TERM $$")),
])
def test_the_exit_code_of_run_reaches_the_shell(docker, herd, code, arguments):
    ended = docker(*run_arguments(herd, "--rm"), *arguments, check=False)
    assert ended.code == code, ended
    assert bool(ended.err) == (code in (125, 126, 127)), ended


def test_a_killed_container_ends_run_with_128_and_the_signal(docker, herd):
    with docker.begin(*run_arguments(herd, "--name", "killed"), "busybox", "sh", "-c",
                      "echo up; sleep 3600") as running:
        running.expect("up\n")
        docker("kill", "-s", "KILL", "killed")
        assert running.wait() == 137


def test_a_signal_to_the_command_goes_to_the_container(docker, herd):
    script = "trap 'echo caught; exit 9' TERM; echo up; while :; do sleep 0.1; done"
    with docker.begin(*run_arguments(herd), "busybox", "sh", "-c", script) as running:
        running.expect("up\n")
        running.signal(15)
        running.expect("caught\n")
        assert running.wait() == 9


def test_run_on_a_terminal_follows_its_size(docker, herd):
    with docker.terminal(*run_arguments(herd, "-it", "--rm"), "busybox", "sh",
                         rows=31, columns=90) as terminal:
        terminal.expect(r"# ")
        until(lambda: terminal.ask("stty size") == "31 90", 30, what="the size of the beginning")
        assert terminal.ask("tty").startswith("/dev/")
        terminal.resize(45, 132)
        until(lambda: terminal.ask("stty size") == "45 132", 30, what="the new size")
        terminal.type("exit 3\n")
        assert terminal.wait() == 3


def test_control_c_on_a_terminal_reaches_the_program(docker, herd):
    with docker.terminal(*run_arguments(herd, "-it", "--rm"), "busybox", "sh") as terminal:
        terminal.expect(r"# ")
        terminal.type("sleep 3600\n")
        time.sleep(0.5)  # Until sleep is in the foreground; too early would only end the prompt.
        terminal.type("\x03")
        terminal.expect(r"\^C\r?\n.*# ")
        assert terminal.ask("echo $?") == "130"
        terminal.type("\x04")
        assert terminal.wait() == 0


# attach -------------------------------------------------------------------------------------------

COUNTS = "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done"


def test_attach_shows_what_is_said_from_then_on_and_ends_with_the_code(docker, herd):
    name = started(docker, herd, "sh", "-c", "read word; echo said $word; exit 6",
                   options=["-i"])
    with docker.begin("attach", name, stdin=True) as attached:
        time.sleep(0.3)
        attached.write("hello\n")
        attached.expect("said hello\n")
        assert attached.wait() == 6


def test_several_attach_to_one_container_and_go_without_harm(docker, herd):
    name = started(docker, herd, "sh", "-c", COUNTS)
    with docker.begin("attach", "--no-stdin", "--sig-proxy=false", name) as first:
        with docker.begin("attach", "--no-stdin", "--sig-proxy=false", name) as second:
            second.expect("tick")
        seen = len(first.lines)
        first.expect_lines(seen + 5)
    assert docker("inspect", "-f", "{{.State.Running}}", name).text == "true"


# The keys to detach are the command's own affair, and it misses them on every plain TCP connection.
def test_a_lost_terminal_leaves_the_container_running_and_another_is_attached(docker, herd):
    with docker.terminal(*run_arguments(herd, "-it", "--name", "left"), "busybox", "sh") as terminal:
        terminal.expect(r"# ")
        assert terminal.ask("word=kept; echo $word") == "kept"
        terminal.process.kill()
    assert docker("inspect", "-f", "{{.State.Running}}", "left").text == "true"
    with docker.terminal("attach", "left", rows=20, columns=70) as again:
        again.type("\n")
        again.expect(r"# ")
        until(lambda: again.ask("stty size") == "20 70", 30)
        assert again.ask("echo $word") == "kept"
        again.type("exit 0\n")
        assert again.wait() == 0


def test_start_attached_shows_the_output_and_the_code(docker, herd):
    docker("create", *on(herd.hosts[0]), *NOBODY_THERE, "--name", "later", "busybox", "sh", "-c",
           "echo started; exit 5")
    ended = docker("start", "-a", "later", check=False)
    assert (ended.code, ended.out) == (5, "started\n")


# exec ---------------------------------------------------------------------------------------------

def test_exec_runs_beside_the_first_process(docker, herd):
    name = started(docker, herd)
    ended = docker("exec", "-e", "WORD=given", "-w", "/tmp", name, "sh", "-c",
                   "echo $WORD; pwd; echo oops >&2")
    assert (ended.out, ended.err) == ("given\n/tmp\n", "oops\n")


@pytest.mark.parametrize("codes, command", [
    ((0,), ("true",)), ((5,), ("sh", "-c", "exit 5")), ((137,), ("sh", "-c", "kill -9 $$")),
    ((126, 127), ("no-such-program",)), ((126,), ("/etc/passwd",))])
def test_the_exit_code_of_exec_reaches_the_shell(docker, herd, codes, command):
    name = started(docker, herd)
    assert docker("exec", name, *command, check=False).code in codes


def test_exec_takes_piped_input_to_its_end(docker, herd):
    name = started(docker, herd)
    text = "".join(f"{number}\n" for number in range(50000))
    assert docker("exec", "-i", name, "cat", stdin=text).out == text
    late = docker("exec", "-i", name, "sh", "-c", "wc -l; sleep 0.5; echo end", stdin=text)
    assert late.out.split() == ["50000", "end"]


def test_exec_on_a_terminal_follows_its_size(docker, herd):
    name = started(docker, herd)
    with docker.terminal("exec", "-it", name, "sh", rows=30, columns=100) as terminal:
        terminal.expect(r"# ")
        until(lambda: terminal.ask("stty size") == "30 100", 30, what="the size of the beginning")
        terminal.resize(50, 120)
        until(lambda: terminal.ask("stty size") == "50 120", 30, what="the new size")
        terminal.type("exit 11\n")
        assert terminal.wait() == 11


def test_exec_detached_returns_at_once(docker, herd):
    name = started(docker, herd)
    assert docker("exec", "-d", name, "sh", "-c", "sleep 0.3; touch /tmp/was-here").out == ""
    until(lambda: docker("exec", name, "ls", "/tmp").text == "was-here", 30)


def test_exec_in_a_container_that_does_not_run_is_docker_s_error(docker, herd):
    docker("create", *on(herd.hosts[0]), "--name", "idle", "busybox", "true")
    ended = docker("exec", "idle", "true", check=False)
    assert ended.code == 1 and "is not running" in ended.err


# logs and wait ------------------------------------------------------------------------------------

def test_logs_have_both_outputs_apart_and_are_cut_as_asked(docker, herd):
    name = started(docker, herd, "sh", "-c",
                   "for i in 1 2 3 4; do echo out $i; echo err $i >&2; done; sleep 3600")
    until(lambda: docker("logs", name).err.endswith("err 4\n"), 30)
    whole = docker("logs", name)
    assert whole.lines == [f"out {number}" for number in range(1, 5)]
    assert whole.err.splitlines() == [f"err {number}" for number in range(1, 5)]
    tail = docker("logs", "--tail", "2", name)
    assert len(tail.lines + tail.err.splitlines()) == 2
    stamped = docker("logs", "-t", name).lines
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z out \d", line) for line in stamped), stamped
    third = stamped[2].split()[0]
    assert docker("logs", "--since", third, name).lines == ["out 3", "out 4"]
    assert docker("logs", "--until", third, name).lines[:2] == ["out 1", "out 2"]
    assert docker("logs", "--since", "2001-01-01", name).lines == whole.lines


def test_logs_of_a_terminal_are_raw(docker, herd):
    name = started(docker, herd, "sh", "-c", "echo plain; sleep 3600", options=["-t"])
    until(lambda: docker("logs", name).out == "plain\r\n", 30)


def test_logs_follow_until_the_container_ends(docker, herd):
    name = started(docker, herd, "sh", "-c", COUNTS)
    with docker.begin("logs", "-f", name) as following:
        following.expect_lines(10)
        assert following.alive
        docker("kill", name)
        ended = following.outcome()
    assert ended.code == 0
    assert ended.lines == [f"tick {number}" for number in range(1, len(ended.lines) + 1)]
    assert docker("logs", name).lines == ended.lines


def test_wait_says_the_exit_code_when_the_container_ends(docker, herd):
    name = started(docker, herd, "sh", "-c", "trap 'exit 21' TERM; while :; do sleep 0.1; done")
    with docker.begin("wait", name) as waiting:
        time.sleep(0.5)
        assert waiting.alive
        docker("stop", "-t", "20", name)
        assert waiting.outcome().out == "21\n"
    assert docker("wait", name).out == "21\n"


def test_wait_for_a_container_that_is_not_there_is_docker_s_error(docker):
    ended = docker("wait", "nobody", check=False, timeout=LIMIT)
    assert ended.code == 1 and "No such container: nobody" in ended.err
