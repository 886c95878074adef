"""Builds and runs the tests by part and sums them up: what scripts/test starts.

A program that crashed, did not end or was not built counts as one failed test.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
SANITIZE = ROOT / "build" / "sanitize"
FUZZ = ROOT / "build" / "fuzz"
BENCH = ROOT / "build" / "bench"
SEEDS = 1000  # Herds of the simulation.
SANITIZED_SEEDS = "10"  # Of these: each kind of herd is among them.
SIM_PROCESSES = 2  # Share them.
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "0"))  # 0: a fixed number of inputs.
# Inputs of each target: so many that it takes some three seconds of a processor.
FUZZ_RUNS = {"beacon_codec": 900_000, "gossip_codec": 300_000, "zre_codec": 200_000,
             "envelope": 50_000, "node_status": 28_000, "template_render": 28_000,
             "json_reader": 22_000, "users_file": 20_000, "verbs": 18_000, "tls_channel": 14_000,
             "conf_file": 14_000, "create_body": 14_000, "http_request": 10_000,
             "cluster_file": 10_000, "docker_codec": 7_000, "agent_notices": 5_000,
             "docker_answers": 2_000, "docker_streams": 1_500}
FUZZ_RUNS_OF_OTHERS = 5_000
GRACE = 15  # Seconds for a program to end that was told to.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
# What is freed is kept for a while, to see whether it is used; less of it is quicker.
FUZZ_OPTIONS = {**SANITIZER_OPTIONS,
                "ASAN_OPTIONS": SANITIZER_OPTIONS["ASAN_OPTIONS"] + ":quarantine_size_mb=16"}


class Tally:
    """What has passed and failed. With `file`, each row is a line of JSON there, too."""

    def __init__(self, file=None):
        self.rows = []
        self._file = file

    def add(self, name, passed, failed, skipped=0, seconds=0.0):
        self.rows.append((name, passed, failed, skipped, seconds))
        if self._file:
            with open(self._file, "a", encoding="utf-8") as output:
                output.write(json.dumps(self.rows[-1]) + "\n")
        skips = f", {skipped} skipped" if skipped else ""
        mark = "ok  " if not failed else "FAIL"
        print(f"{mark} {name}: {passed} passed, {failed} failed{skips} ({seconds:.1f} s)", flush=True)

    def broken(self, name, why, seconds=0.0):
        print(f"     {name}: {why}")
        self.add(name, 0, 1, seconds=seconds)

    @property
    def passed(self):
        return sum(row[1] for row in self.rows)

    @property
    def failed(self):
        return sum(row[2] for row in self.rows)


def clean_environment():
    """Ours without what would choose tests behind our back."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("GTEST_", "PYTEST_"))}


def end(process, own_group):
    """Ends a program and whatever it has started that is still in its process group."""
    def send(number):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if own_group:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)

    def wait():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)

    if process.poll() is None:
        send(signal.SIGTERM)
        wait()
    send(signal.SIGKILL)
    wait()


@contextlib.contextmanager
def started(command, output=None, **environment):
    """A program, as its Popen. Nothing of its process group outlives the block, however that ends:
    a signal to us is an exception in it."""
    command = [str(part) for part in command]
    # sudo stays in ours: it needs the terminal for its prompt, and passes signals on.
    own_group = command[0] != "sudo"
    process = None
    # Held back until we know of the program: one that is not known yet would not be ended.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

    def let_through():
        signal.pthread_sigmask(signal.SIG_SETMASK, held)

    try:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stdin=subprocess.DEVNULL,
                                   stderr=subprocess.STDOUT if output else None,
                                   start_new_session=own_group, preexec_fn=let_through,
                                   env={**clean_environment(), **environment})
        let_through()
        yield process
    finally:
        if process:
            end(process, own_group)
        let_through()


def exit_code(process, limit):
    """None when it did not end within `limit` seconds."""
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None


def call(command, limit=None, output=None, **environment):
    with started(command, output, **environment) as process:
        return exit_code(process, limit)


def log_of(name):
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS / f"{name.replace('/', '-')}.log"


def show_failure(name, code):
    """What a program said that failed, and that it did."""
    if code == 0:
        return
    log = log_of(name)
    print(f"---- {name}: the end of {log.relative_to(ROOT)}")
    print("\n".join(log.read_text(errors="replace").splitlines()[-60:]))
    print("----", flush=True)


def run(name, command, limit, **environment):
    """(exit code or None after `limit` seconds, seconds taken). The output goes to a log; it is
    shown when something failed."""
    begin = time.monotonic()
    with open(log_of(name), "wb") as output:
        code = call(command, limit, output, **environment)
    show_failure(name, code)
    return code, time.monotonic() - begin


def build(tally, preset, targets=()):
    print(f"==> building {preset}", flush=True)
    command = ["bash", "scripts/build", preset, *targets]
    begin = time.monotonic()
    code = call(command)  # Shown as it goes: it is the longest step.
    if code != 0:
        tally.broken(f"build {preset}", f"exit {code}", time.monotonic() - begin)


def count_gtest(path):
    """(passed, failed, skipped), or None when the program did not come to write its report."""
    try:
        report = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError):
        return None
    cases = [case for suite in report["testsuites"] for case in suite["testsuite"]]
    ran = [case for case in cases if case["status"] == "RUN"]
    failed = sum(1 for case in ran if case.get("failures"))
    skipped = sum(1 for case in ran if case.get("result") == "SKIPPED")
    return len(ran) - failed - skipped, failed, skipped


def count_pytest(path):
    try:
        suite = xml.etree.ElementTree.parse(path).getroot().find("testsuite")
    except (OSError, xml.etree.ElementTree.ParseError):
        return None
    number = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    return number["tests"] - failed - number["skipped"], failed, number["skipped"]


def report(tally, name, code, seconds, counts):
    if counts is None:
        tally.broken(name, "did not end in time" if code is None else f"exit {code}, no report",
                     seconds)
    elif code is None or (code != 0 and counts[1] == 0):
        # A leak found at exit, a crash in a destructor, or a time limit.
        tally.add(name, counts[0], counts[1] + 1, counts[2], seconds)
    elif counts[0] + counts[1] == 0:
        tally.broken(name, "no test ran", seconds)
    else:
        tally.add(name, *counts, seconds=seconds)


def gtest(tally, name, program, limit=1200, **environment):
    if not program.exists():
        tally.broken(name, "was not built")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/report.json"
        code, seconds = run(name, [program, f"--gtest_output=json:{path}"], limit,
                            **SANITIZER_OPTIONS, **environment)
        report(tally, name, code, seconds, count_gtest(path))


def pytest_command(report_path, options):
    return ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
            f"--junitxml={report_path}", "--durations=15", *options]


def pytest(tally, name, options, limit, **environment):
    as_root = [] if os.geteuid() == 0 or name != "e2e" else ["sudo", "-E"]
    with tempfile.TemporaryDirectory() as temporary:
        path = f"{temporary}/report.xml"
        code, seconds = run(name, [*as_root, *pytest_command(path, options)], limit, **environment)
        report(tally, name, code, seconds, count_pytest(path))


class Beside:
    """Steps that need the processor only: this program once more, with what the others leave of it,
    from start() on. collect() waits for it and takes its results."""

    def __init__(self, name, limit):
        self._name, self._limit = name, limit
        self._held = contextlib.ExitStack()
        self._process = None

    def start(self, command):
        folder = self._held.enter_context(tempfile.TemporaryDirectory())
        self._rows = pathlib.Path(folder) / "rows"
        output = self._held.enter_context(open(log_of(self._name), "wb"))
        self._process = self._held.enter_context(started(
            ["chrt", "--idle", "0", *command, self._rows], output))
        # Where the kernel shares the processor out by session, all of it steps back only so.
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/{self._process.pid}/autogroup").write_text("19", encoding="ascii")

    def collect(self, tally):
        if self._process is None:
            return
        with self._held:
            code = exit_code(self._process, self._limit)
            show_failure(self._name, code)
            rows = self._rows.read_text().splitlines() if self._rows.exists() else []
            for row in rows:
                tally.add(*json.loads(row))
        self._process = None
        # Its own result is whether any of its rows has failed.
        if code is None or code not in (0, 1) or not rows or (code == 1 and not any(
                json.loads(row)[2] for row in rows)):
            tally.broken(self._name,
                         "did not end in time" if code is None else f"exit {code}")

    def stop(self):
        self._held.close()


def style_of_text(tally):
    pytest(tally, "style-text", ["tests/style", "--ignore=tests/style/test_clang.py"], 600)


def unit(tally):
    folders = sorted({path.parent.name for path in ROOT.glob("tests/unit/*/*.cpp")})
    build(tally, "sanitize", [f"unit_{folder}" for folder in folders])
    for folder in folders:
        gtest(tally, f"unit_{folder}", SANITIZE / f"unit_{folder}")


def sim(tally):
    build(tally, "sanitize", ["sim_tests"])
    gtest(tally, "sim_tests", SANITIZE / "sim_tests", limit=2400, DOCKHERD_SIM_COUNT=SANITIZED_SEEDS)


def sim_of_all_seeds(tally):
    """What users run: optimized, and many times as fast as under sanitizers. Several processes share
    the seeds; all but the first run nothing else."""
    build(tally, "bench", ["sim_tests"])
    program = BENCH / "sim_tests"
    if not program.exists():
        tally.broken("sim_tests-optimized", "was not built")
        return
    share = SEEDS // SIM_PROCESSES
    begin = time.monotonic()
    with contextlib.ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory())
        running = []
        for number in range(SIM_PROCESSES):
            name = f"sim_tests-optimized-{number + 1}"
            path = f"{folder}/{name}.json"
            command = [program, f"--gtest_output=json:{path}"]
            command += ["--gtest_filter=*many_seeds*"] if number else []
            output = held.enter_context(open(log_of(name), "wb"))
            process = held.enter_context(started(
                command, output, DOCKHERD_SIM_FIRST=str(1 + number * share),
                DOCKHERD_SIM_COUNT=str(share)))
            running.append((name, process, path))
        for name, process, path in running:
            code = exit_code(process, 2400)
            show_failure(name, code)
            report(tally, name, code, time.monotonic() - begin, count_gtest(path))


def wire(tally):
    build(tally, "sanitize")
    programs = sorted(path for path in SANITIZE.glob("wire*") if os.access(path, os.X_OK)
                      and path.is_file())
    if not programs:
        tally.broken("wire", "no wire test was built")
    for program in programs:
        gtest(tally, program.name, program)


def fuzz_length(target):
    """(what goes before the program, its options): the same inputs each time, or as many new ones
    as FUZZ_SECONDS allows."""
    if FUZZ_SECONDS:
        return [], [f"-max_total_time={FUZZ_SECONDS}"]
    # What libFuzzer finds depends on addresses, and on when it looks at its own files again. Some
    # containers forbid fixed addresses.
    fixed = ["setarch", "-R"]
    if subprocess.run([*fixed, "true"], capture_output=True, check=False).returncode != 0:
        fixed = []
    runs = FUZZ_RUNS.get(target, FUZZ_RUNS_OF_OTHERS)
    return fixed, ["-seed=1", f"-runs={runs}", "-reload=0"]


def fuzz(tally):
    """Each target over its corpus, then further."""
    programs = sorted(path.stem for path in ROOT.glob("tests/fuzz/*_fuzz.cpp"))
    build(tally, "fuzz", programs)
    for program in programs:
        target = program.removesuffix("_fuzz")
        corpus = ROOT / "tests/fuzz/corpus" / target
        before, length = fuzz_length(target)
        with tempfile.TemporaryDirectory() as found:
            command = [*before, FUZZ / program, *length, "-timeout=20", "-rss_limit_mb=2048",
                       f"-artifact_prefix={LOGS}/{program}-", found]
            command += [corpus] if corpus.is_dir() else []
            if not (FUZZ / program).exists():
                tally.broken(program, "was not built")
                continue
            code, seconds = run(program, command, FUZZ_SECONDS + 600, **FUZZ_OPTIONS)
            tally.add(program, int(code == 0), int(code != 0), seconds=seconds)


def e2e(tally):
    """Much of it is waiting, so that two labs at once hardly disturb each other."""
    build(tally, "sanitize", ["dockherd", "fake_dockerd"])
    pytest(tally, "e2e", ["-n", "2", "--dist", "loadfile", "tests/e2e"], 2400,
           DOCKHERD_BIN=str(SANITIZE), **SANITIZER_OPTIONS)


def bench(tally):
    """The benchmarks run and print figures; that these are good is not asked here."""
    build(tally, "bench", ["dockherd", "fake_dockerd", "bench_micro", "http_load", "bus_ping",
                           "sim_scale"])
    pytest(tally, "bench", ["tests/bench"], 900)


def style_by_clang(tally):
    pytest(tally, "style-clang", ["tests/style/test_clang.py"], 2400)


# In this order, whatever was asked for first: what takes a second before what takes minutes.
STEPS = [("style", style_of_text), ("unit", unit), ("sim", sim), ("wire", wire), ("e2e", e2e)]
# Meanwhile, for much of e2e is waiting.
STEPS_BESIDE = [("style", style_by_clang), ("fuzz", fuzz), ("sim", sim_of_all_seeds)]
# Last, for nothing else should run then.
STEPS_ALONE = [("bench", bench)]
BESIDE = "--beside"  # Then the parts, and the file for the rows.


def parts():
    return sorted({part for part, _ in STEPS + STEPS_BESIDE + STEPS_ALONE})


def end_in_order(number, _):
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)  # What runs is ended on the way out: see call().


def take(steps, wanted, tally):
    for part, step in steps:
        if part not in wanted:
            continue
        print(f"==> {part}", flush=True)
        try:
            step(tally)
        except Exception as error:  # One part's breakdown must not hide the others' results.
            tally.broken(part, repr(error))


def main_beside(wanted, file):
    tally = Tally(file)
    take(STEPS_BESIDE, wanted, tally)
    sys.exit(1 if tally.failed else 0)


def main():
    for number in ENDING:
        signal.signal(number, end_in_order)
    if sys.argv[1:2] == [BESIDE]:
        main_beside(sys.argv[2:-1], sys.argv[-1])
    wanted = sys.argv[1:] or parts()
    if wanted == ["all"]:
        wanted = parts()
    unknown = [part for part in wanted if part not in parts()]
    if unknown:
        sys.exit(f"no such part: {', '.join(unknown)} (parts: {' '.join(parts())})")
    tally = Tally()
    beside = Beside("beside", 2400)
    begin = time.monotonic()
    try:
        if any(part in wanted for part, _ in STEPS_BESIDE):
            beside.start([sys.executable, __file__, BESIDE, *wanted])
        take(STEPS, wanted, tally)
        beside.collect(tally)
        take(STEPS_ALONE, wanted, tally)
    finally:
        beside.stop()
    print(f"\n{time.monotonic() - begin:.0f} s; logs are in {LOGS.relative_to(ROOT)}")
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    sys.exit(1 if tally.failed or not tally.passed else 0)


if __name__ == "__main__":
    main()
