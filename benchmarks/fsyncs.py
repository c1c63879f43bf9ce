"""Syncs to disk for each job, counted by strace: from the wake-up at two until the last job is done.

Commits are all of it (ten for ten jobs, and one for the first of those that are due at once), unless a
heartbeat and its checkpoint fall into that time.
"""

import os
import re
import shutil
import subprocess

from benchmarks.figures import Figure, Options, at_most
from benchmarks.place import Place
from benchmarks.throughput import arrange, crowd, require_done, run_ours

SYNC = re.compile(r"^\d+ +(\d+\.\d+) (?:fsync|fdatasync)\(", re.MULTILINE)


def measure(options: Options) -> list[Figure]:
    name = "fsyncs a job, 10 jobs a schedule"
    strace = shutil.which("strace")
    if strace is None or not _may_trace(strace):
        absent = "strace is absent" if strace is None else "strace may not trace here"
        return [Figure(name, None, "fsyncs", at_most(1.1), note=f"{absent}, and nothing else counts them")]
    shape = crowd(10, options)
    place = arrange(shape, Place(options.folder / "ours", shape.definitions))
    trace = options.folder / "trace"
    watcher = (strace, "-f", "-ttt", "-e", "trace=fsync,fdatasync", "-o", str(trace))
    told = run_ours(shape, place, *watcher)
    require_done(shape, place)
    moments = [float(moment) for moment in SYNC.findall(trace.read_text())]
    within = [moment for moment in moments if told["began_at"] <= moment <= told["ended_at"]]
    note = f"{len(within)} for {shape.runs} jobs; {len(moments)} with start and stop"
    return [Figure(name, len(within) / shape.runs, "fsyncs", at_most(1.1), note=note)]


def _may_trace(strace: str) -> bool:
    argv = [strace, "-f", "-o", os.devnull, "true"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
