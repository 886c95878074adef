"""A minute of coming, going and breaking, after which everything is as before. For hours of it:
bench/herd --only soak."""

import os

import pytest

from herdlab.soak import Soak

SECONDS = 60
LEGS = 3
# Connections that are kept open for the next call: 16 to the daemon, others to other agents.
MORE_DESCRIPTORS = 28
MORE_TASKS = 2
# From the first leg's end to the last's. Sanitizers hold back what was freed: see below.
MORE_BYTES = 48 << 20


@pytest.fixture
def young_herd(breakable_herd):
    """Every agent has just been started, and gives memory back soon also under sanitizers."""
    herd = breakable_herd
    options = os.environ.get("ASAN_OPTIONS", "")
    for agent in herd.agents:
        agent.stop()
        agent.environment = {"ASAN_OPTIONS": f"{options}:quarantine_size_mb=4".strip(":")}
        agent.begin()
    herd.wait_until_whole()
    yield herd
    for agent in herd.agents:
        agent.environment = None


def test_after_a_minute_of_coming_going_and_breaking_all_is_as_before(young_herd):
    herd = young_herd
    soak = Soak(herd.hosts, herd.agents, seed=1)
    looks = [soak.settle()]
    for _ in range(LEGS):
        soak.run(SECONDS / LEGS)
        looks.append(soak.settle())
    print(soak.answers, soak.breakages, *looks, sep="\n")
    created = soak.answers["create", 200] + soak.answers["create", 201]
    assert created > 50 and sum(soak.breakages.values()) >= 5, (soak.answers, soak.breakages)
    start, third, end = looks[0], looks[1], looks[-1]
    for name, figures in end.items():
        assert figures.descriptors <= start[name].descriptors + MORE_DESCRIPTORS, looks
        assert figures.tasks <= start[name].tasks + MORE_TASKS, looks
    oldest = herd[0].name  # The others have been started anew.
    assert end[oldest].resident <= third[oldest].resident + MORE_BYTES, looks
    # An orderly end under sanitizers looks for leaks.
    codes = soak.exit_codes + [agent.stop() for agent in herd.agents]
    assert codes == [0] * len(codes), [agent.log_text()[-3000:] for agent in herd.agents]
