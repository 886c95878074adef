import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "lab"))

from docker_cli import Cli, programs  # noqa: E402
from herd import Herd  # noqa: E402
from herdlab import Lab  # noqa: E402


@pytest.fixture(scope="session")
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def shared_herd(lab):
    herd = Herd(lab, lab.up(3))
    herd.repair()
    yield herd
    # The last act of a session under sanitizers: an orderly stop finds leaks.
    codes = [agent.stop() for agent in herd.agents if agent.alive]
    assert codes == [0] * len(codes), [agent.log_text()[-3000:] for agent in herd.agents]


@pytest.fixture
def whole_herd(shared_herd):
    """Three hosts, each with a real dockerd and an agent: whole, everything plugged in, and with
    whatever containers the last test left. For tests that make none and look at none."""
    if shared_herd.broken or not all(agent.alive for agent in shared_herd.agents):
        shared_herd.repair()
    return shared_herd


@pytest.fixture
def herd(whole_herd):
    """The same, without any container."""
    whole_herd.empty()
    return whole_herd


@pytest.fixture
def breakable_herd(herd):
    """The same, for tests that break it: it is repaired afterwards, and not before it is used."""
    herd.broken = True
    return herd


@pytest.fixture(params=programs(), ids=lambda path: path.strip("/").replace("/", "-"))
def docker(request, herd, tmp_path):
    """Each docker command found, in a herd without containers, images, networks and volumes of other
    tests. It asks the agent of the second host: to a container on(herd.hosts[0]) that is a stranger.
    """
    herd.strip()
    return Cli(herd[1], tmp_path, request.param)


@pytest.fixture
def one_docker(herd, tmp_path):
    """The same with one docker command only, where others can make no difference."""
    herd.strip()
    return Cli(herd[1], tmp_path)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of each agent's log with a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for fixture in ("whole_herd", "herd", "breakable_herd"):
            found = item.funcargs.get(fixture)
            if found:
                for agent in found.agents:
                    report.sections.append((f"log of {agent.name}", agent.log_text()[-2500:]))
                break
