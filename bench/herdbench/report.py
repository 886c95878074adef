"""What was measured: one row per figure, as a table for people and JSON for programs."""

import dataclasses
import json
import os
import statistics


@dataclasses.dataclass
class Row:
    """`ours` and `reference` are medians over rounds, in `unit`. `target` bounds their ratio: at
    most, or with more_is_better at least. Without a reference it bounds `ours` itself."""

    what: str
    ours: float | None
    reference: float | None = None
    unit: str = "ms"
    target: float | None = None
    more_is_better: bool = False
    reference_name: str = ""
    note: str = ""
    rounds: dict = dataclasses.field(default_factory=dict)

    @property
    def ratio(self):
        if self.ours is None or not self.reference:
            return None
        return self.ours / self.reference

    @property
    def reached(self):
        value = self.ratio if self.reference_name else self.ours
        if self.target is None or value is None:
            return None
        return value >= self.target if self.more_is_better else value <= self.target

    def cells(self):
        def number(value):
            return "-" if value is None else f"{value:.4g}"

        sign = "≥" if self.more_is_better else "≤"
        unit = " ×" if self.reference_name else " " + self.unit
        target = "-" if self.target is None else f"{sign} {self.target:g}{unit}"
        reached = {True: "yes", False: "NO", None: "-"}[self.reached]
        ratio = "-" if self.ratio is None else f"{self.ratio:.{2 if self.ratio >= 0.1 else 4}f} ×"
        return [self.what, f"{number(self.ours)} {self.unit}",
                f"{number(self.reference)} {self.unit}" if self.reference_name else "-", ratio,
                target, reached, self.reference_name + (f"; {self.note}" if self.note else "")]


class Report:
    """Rows in the order in which they were measured. Each is printed as soon as it is there."""

    def __init__(self, rounds):
        self.rows = []
        self._rounds = rounds
        self.failures = {}
        self._load_before = os.getloadavg()

    def add(self, row):
        self.rows.append(row)
        print("  " + "   ".join(row.cells()), flush=True)

    def fail(self, case, error):
        self.failures[case] = str(error)
        print(f"  {case} could not be measured: {error}", flush=True)

    def print_table(self):
        header = ["what", "ours", "reference", "ratio", "target", "reached", "measured against"]
        print("\n" + self.machine())
        print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
        for row in self.rows:
            print("| " + " | ".join(row.cells()) + " |")
        for case, error in self.failures.items():
            print(f"| {case} | could not be measured: {error} |")

    def machine(self):
        before, after = self._load_before, os.getloadavg()
        few = "" if self._rounds >= 5 else ", too few: a look only"
        return (f"{self._rounds} rounds{few}; {os.cpu_count()} processors; "
                "load average over 1 and 15 minutes: "
                f"{before[0]:.1f}, {before[2]:.1f} at the start, "
                f"{after[0]:.1f}, {after[2]:.1f} at the end\n")

    def write(self, path):
        rows = [dict(dataclasses.asdict(row), ratio=row.ratio, reached=row.reached)
                for row in self.rows]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"machine": self.machine().strip(), "rows": rows,
                                    "failures": self.failures}, indent=1) + "\n")


def interleave(rounds, measures):
    """Calls each function of `measures` (name -> function) once per round, the order turned by one
    each time, so that a busy minute of the machine hits all alike. Returns name -> list."""
    names = list(measures)
    results = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            results[name].append(measures[name]())
    return results


def medians(results):
    return {name: statistics.median(values) for name, values in results.items()}
