"""What an agent still holds after long: containers come and go at the highest rate, agents and
daemons are killed and stopped, and in between everything comes to rest."""

from herdlab.soak import Soak

from .report import Row

LEGS = 3


def run(bench):
    hosts, agents = bench.herd()
    bench.empty(hosts)
    seconds = 30 if bench.quick else bench.options.minutes * 60
    soak = Soak(hosts, agents, seed=bench.options.seed)
    looks = [soak.settle()]
    for _ in range(LEGS):
        soak.run(seconds / LEGS)
        looks.append(soak.settle())  # Fails when a directory is not what the daemons have.
    add_rows(bench, soak, looks, seconds)


def add_rows(bench, soak, looks, seconds):
    made = soak.answers["create", 200] + soak.answers["create", 201]
    broken = ", ".join(f"{count} × {what}" for what, count in sorted(soak.breakages.items()))
    bench.report.add(Row(f"containers made in {seconds / 60:g} minutes", made, unit="", note=broken))
    failed = sum(code != 0 for code in soak.exit_codes)
    bench.report.add(Row("agents that did not stop in order", failed, unit="", target=0))
    start, third, end = looks[0], looks[1], looks[-1]
    for index, name in enumerate(end):
        # All but the first were started anew meanwhile.
        whose = f"{name}'s agent" + (", never ended" if index == 0 else "")
        bench.report.add(Row(f"descriptors, {whose}", end[name].descriptors,
                             start[name].descriptors, "", reference_name="at the start",
                             note=f"after a third: {third[name].descriptors}"))
        bench.report.add(Row(f"resident memory, {whose}", megabytes(end[name]),
                             megabytes(third[name]), "MB", 1.1 if index == 0 else None,
                             reference_name="after a third",
                             note=f"at the start: {megabytes(start[name]):.1f} MB",
                             rounds={"MB": [megabytes(look[name]) for look in looks]}))
        bench.report.add(Row(f"tasks, {whose}", end[name].tasks, start[name].tasks, "",
                             reference_name="at the start"))
        bench.report.add(Row(f"requests awaited, {whose}", end[name].awaited, unit="", target=0))


def megabytes(figures):
    return figures.resident / 2**20
