"""What scripts/test starts: it cannot pass by running nothing, and leaves nothing running."""

import pathlib
import signal
import subprocess
import sys
import time

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "lab")]

import run  # noqa: E402
from herdlab import processes, until  # noqa: E402


def with_a_child(file):
    """A command that waits for a child whose number it writes down."""
    return ["sh", "-c", f"sleep 600 & echo $! > {file}.new; mv {file}.new {file}; wait"]


def child_ends(file):
    child = int(file.read_text())
    until(lambda: not processes.is_running(child), 30)
    return True


@pytest.mark.parametrize("code, counts", [
    (0, (0, 0, 0)), (0, (0, 0, 3)), (0, None), (1, (5, 0, 0)), (None, (5, 0, 0)), (1, (5, 1, 0))])
def test_nothing_that_ran_or_a_bad_end_is_a_failure(code, counts):
    tally = run.Tally()
    run.report(tally, "x", code, 0.0, counts)
    assert tally.failed == 1


def test_what_passes_passes():
    tally = run.Tally()
    run.report(tally, "x", 0, 0.0, (5, 0, 1))
    assert (tally.passed, tally.failed) == (5, 0)


def test_a_filter_of_the_callers_chooses_no_tests(monkeypatch):
    monkeypatch.setenv("GTEST_FILTER", "Nothing.*")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    assert run.call(["sh", "-c", 'test -z "$GTEST_FILTER$PYTEST_ADDOPTS"']) == 0


def test_a_program_over_its_limit_ends_with_its_children(tmp_path):
    begin = time.monotonic()
    assert run.call(with_a_child(tmp_path / "pid"), limit=1) is None
    assert time.monotonic() - begin >= 1
    assert child_ends(tmp_path / "pid")


def test_children_that_a_program_leaves_behind_end(tmp_path):
    assert run.call(["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid"]) == 0
    assert child_ends(tmp_path / "pid")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_runs(tmp_path, number):
    program = (f"import sys; sys.path.insert(0, {str(TESTS)!r}); import run; sys.argv = ['run'];"
               f"run.STEPS = [('x', lambda tally: run.call({with_a_child(tmp_path / 'pid')!r}))];"
               "run.STEPS_BESIDE = run.STEPS_ALONE = []; run.main()")
    runner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL)
    until((tmp_path / "pid").exists, 30)
    runner.send_signal(number)
    assert runner.wait(60) == 128 + number
    assert child_ends(tmp_path / "pid")


def beside(text, limit=60):
    """What runs beside others: a program of this text, given the file for its rows."""
    started = run.Beside("planted", limit)
    started.start([sys.executable, "-c", text])
    return started


ROWS = "import sys; open(sys.argv[1], 'w').write('[\"x\", 1, {failed}, 0, 0.1]\\n'); "


@pytest.mark.parametrize("text, passed, failed", [
    (ROWS.format(failed=0), 1, 0),
    (ROWS.format(failed=2) + "sys.exit(1)", 1, 2),
    (ROWS.format(failed=0) + "sys.exit(1)", 1, 1),
    (ROWS.format(failed=0) + "sys.exit(7)", 1, 1),
    ("", 0, 1),
    ("import time; time.sleep(600)", 0, 1),
])
def test_what_runs_beside_others_is_waited_for_and_counted(text, passed, failed):
    tally = run.Tally()
    beside(text, 5 if "sleep" in text else 60).collect(tally)
    assert (tally.passed, tally.failed) == (passed, failed)
    run.log_of("planted").unlink()


def test_rows_of_one_run_are_read_by_another(tmp_path):
    run.Tally(tmp_path / "rows").add("x", 3, 1, 2, 0.5)
    tally = run.Tally()
    beside(f"import shutil, sys; shutil.copy({str(tmp_path / 'rows')!r}, sys.argv[1]); sys.exit(1)"
           ).collect(tally)
    assert tally.rows == [("x", 3, 1, 2, 0.5)]


def test_what_runs_beside_others_ends_with_them(tmp_path):
    started = beside("import os, pathlib, time\n"
                     f"file = pathlib.Path({str(tmp_path / 'pid')!r})\n"
                     "file.with_suffix('.new').write_text(str(os.getpid()))\n"
                     "file.with_suffix('.new').rename(file)\n"
                     "time.sleep(600)\n")
    until((tmp_path / "pid").exists, 30)
    started.stop()
    assert child_ends(tmp_path / "pid")
    run.log_of("planted").unlink()
