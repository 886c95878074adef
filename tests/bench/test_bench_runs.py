"""The benchmarks run and print their figures. What the figures are is not looked at: the machine
may be busy."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "lab")]

from herdbench import pack, plot  # noqa: E402
from herdlab import processes, until  # noqa: E402
from herdlab.daemon import ask  # noqa: E402

BIN = pathlib.Path(os.environ.get("DOCKHERD_BENCH_BIN", ROOT / "build" / "bench"))
LOOK = ["--quick", "--rounds", "1", "--nice", "0", "--bin", BIN]
HERD = [sys.executable, ROOT / "bench" / "herd", *LOOK]
DOCKER_API = [sys.executable, ROOT / "bench" / "docker_api", *LOOK]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def run(*command, codes=(0,), seconds=120):
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                            timeout=seconds, check=False)
    assert result.returncode in codes, result.stdout + result.stderr
    return result.stdout


def test_single_decisions_of_placement_are_timed():
    found = json.loads(run(BIN / "bench_micro", "--benchmark_filter=^place_one$",
                           "--benchmark_min_time=0.01", "--benchmark_format=json"))
    assert 0 < found["benchmarks"][0]["p50_us"] <= found["benchmarks"][0]["p99_us"]


def test_every_micro_benchmark_is_there():
    names = run(BIN / "bench_micro", "--benchmark_list_tests").splitlines()
    for word in ("place_", "directory_", "address_table_", "zre_", "envelope_", "verb_", "_list_"):
        assert any(word in name for name in names), f"no {word} in {names}"


def test_the_load_client_counts_what_a_daemon_answers(tmp_path):
    socket = tmp_path / "docker.sock"
    with subprocess.Popen([BIN / "fake_dockerd", "--socket", socket, "--containers", "7"]) as fake:
        try:
            until(lambda: ask(socket, "GET", "/_ping")[0] == 200, 20, "a fake daemon")
            found = json.loads(run(BIN / "http_load", "ask", "--path", "/containers/json?all=1",
                                   "--requests", "20", f"unix:{socket}"))
            assert found["refused"] == 0
            assert found["p50_us"] > 0
        finally:
            fake.kill()


def test_a_simulated_herd_gives_times_costs_and_a_plot(tmp_path):
    file = tmp_path / "scale.json"
    # 1: a bound was missed. The times are virtual, and the same on every machine.
    table = run(BIN / "sim_scale", "--containers", "3", "--json", file, "3", "5", codes=(0, 1))
    herds = json.loads(file.read_text(encoding="utf-8"))
    assert [herd["agents"] for herd in herds] == [3, 5]
    assert herds[1]["containers"] == 15
    for herd in herds:
        late = [timed for timed in herd["times"] if not timed["kept"]]
        assert not late, table
        assert herd["costs"]["messages to join"] > 0
        assert herd["costs"]["CPU ms to join"] > 0
    assert plot.costs_by_size(herds).count("<polyline") == 1 + len(herds[0]["costs"])


def test_the_herd_benchmark_prints_a_table_and_writes_json(tmp_path):
    out = tmp_path / "herd.json"
    table = run(*HERD, "--only", "bus,placement", "--out", out)
    report = json.loads(out.read_text(encoding="utf-8"))
    assert not report["failures"]
    assert {row["unit"] for row in report["rows"]} == {"us"}
    for row in report["rows"]:
        assert f"| {row['what']} |" in table
        assert row["ours"] > 0


@as_root
def test_the_docker_api_benchmark_measures_calls_lists_and_streams_of_all_kinds(tmp_path):
    out = tmp_path / "docker_api.json"
    table = run(*DOCKER_API, "--megabytes", "2", "--out", out, seconds=400)
    report = json.loads(out.read_text(encoding="utf-8"))
    assert not report["failures"]
    for word in ("inspect", "start", "non-owner", "list of the herd", "list of 2000", "first byte of "
                 "logs -f", "first byte of exec", "cp into", "cp out of", "logs through", "load ",
                 "idle streams, resident memory", "idle streams, processor"):
        assert any(word in row["what"] for row in report["rows"]), f"no {word} in\n{table}"
    for row in report["rows"]:
        assert f"| {row['what']} |" in table
        # A processor that is hardly used may not show within a moment.
        assert row["ours"] > 0 or row["unit"] == "% of a core", row


@as_root
def test_a_killed_benchmark_leaves_no_process_and_the_next_removes_its_files(tmp_path):
    with subprocess.Popen([*map(str, HERD), "--only", "discovery", "--out", tmp_path / "herd.json"],
                          env={**os.environ, "TMPDIR": str(tmp_path)},
                          stdout=subprocess.DEVNULL) as bench:
        def directory():
            found = list(tmp_path.glob(pack.PREFIX + "*"))
            # The holder of the namespace, and one agent at least.
            return found[0] if found and len(processes.marked_pids(found[0])) > 2 else None

        left = until(directory, 60, "a pack runs")
        os.kill(bench.pid, signal.SIGKILL)
    until(lambda: not processes.marked_pids(left), 10, "the pack ends with its maker")
    assert left.exists()
    before = tempfile.tempdir
    tempfile.tempdir = str(tmp_path)
    try:
        pack.sweep()
    finally:
        tempfile.tempdir = before
    assert not left.exists()
