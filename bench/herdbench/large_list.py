"""The list of 10,000 containers on 50 hosts, against reading as many bytes from one daemon."""

import subprocess
import time

from herdlab import until
from herdlab.daemon import ask

from .lists import EVERYTHING, VERB
from .pack import Pack
from .report import Row, interleave, medians

EACH = 200


def run(bench):
    measure(bench, VERB)


def run_docker(bench):
    measure(bench, EVERYTHING)


def measure(bench, options):
    """`options`: how an agent is asked."""
    hosts = 10 if bench.quick else 50
    with Pack(bench, "dockherd", hosts, EACH) as pack:
        agent = f"tcp:127.0.0.1:{pack.port_of(pack.names[0])}"
        requests = 3 if bench.quick else 10

        def herd(requests=requests):
            return bench.load.run("ask", [agent], *options, "--requests", requests, "--warm-up", 1,
                                  net=pack.net)

        if not bench.quick:
            time.sleep(65)  # Until no Status counts seconds any more.
        answer = herd(1)
        size = answer["bytes"] // 2
        with OneDaemon(bench, pack, size) as daemon:
            rounds = interleave(bench.rounds, {
                "herd": lambda: herd()["p50_us"] / 1000,
                "daemon": lambda: daemon.read(requests)["p50_us"] / 1000})
        middle = medians(rounds)
        bench.report.add(Row(f"list of {hosts * EACH} containers on {hosts} hosts, p50",
                             middle["herd"], middle["daemon"], "ms", 1.5,
                             reference_name="the same bytes from one fake daemon",
                             note=f"{size / 2**20:.1f} MB", rounds=rounds))


class OneDaemon:
    """A fake daemon whose list has about `size` bytes. The pack ends it, if nobody else does."""

    def __init__(self, bench, pack, size):
        self._bench = bench
        self._socket = pack.directory / "one.sock"
        self._size = size
        self._process = None

    def __enter__(self):
        self._start(1000)
        each = len(ask(self._socket, "GET", "/containers/json?all=1")[1]) / 1000
        self.__exit__()
        self._start(round(self._size / each))
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def _start(self, containers):
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", self._bench.program("fake_dockerd"), "--socket",
             str(self._socket), "--containers", str(containers)])
        until(lambda: ask(self._socket, "GET", "/_ping")[0] == 200, 20, "a fake daemon")

    def read(self, requests):
        return self._bench.load.run("ask", [f"unix:{self._socket}"], *EVERYTHING, "--requests",
                                    requests, "--warm-up", 1)
