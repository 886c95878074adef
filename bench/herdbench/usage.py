"""What a process costs, as the kernel counts it."""

import os
import pathlib


def cpu_seconds(pid):
    """Of all its threads, since its start."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Bytes: (resident, private). Resident counts pages of libraries that the page cache holds for
    all; private are those that only this process has and no file holds."""
    sizes = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(
            encoding="utf-8").splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024
    return sizes["Rss"], sizes["Anonymous"]
