"""The benchmarks run, and tell what they promise: in a small way, so that they cannot rot."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import servers
from benchmarks.__main__ import MEASURES, main
from benchmarks.figures import Figure, Options, at_least, at_most, percentile
from benchmarks.throughput import Shape, compare

KEYS = {"measure", "got", "unit", "limit", "ratio", "target", "met", "note"}


@pytest.mark.acceptance
def test_it_races_the_daemon_against_raw_sqlite(tmp_path: Path) -> None:
    told = compare(Shape(2, jobs=3, rounds=2), at_least(0.001), Options(tmp_path, best_of=1)).as_json
    assert set(told) == KEYS
    assert told["ratio"] == told["got"] / told["limit"]
    assert told["met"]
    assert list(tmp_path.iterdir()) == []


def test_it_prints_a_table_and_writes_the_same_as_json(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.json"
    arguments = ["find-due", "history-page", "--scale", "0.002", "--json", str(file), "--no-fail"]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    told = json.loads(file.read_text(encoding="utf-8"))
    assert done.exit_code == 0
    assert {"taken_at", "cores", "python", "sqlite", "load_before", "load_after"} < set(told["machine"])
    assert all(set(figure) == KEYS and figure["measure"] in done.stdout for figure in told["figures"])


def test_it_exits_1_if_a_target_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = Figure("slow", 2.0, "ms", at_most(1.5), limit=1.0)
    monkeypatch.setattr("benchmarks.__main__.measured", lambda *_: [missed])
    assert CliRunner().invoke(main, ["startup"]).exit_code == 1
    assert CliRunner().invoke(main, ["startup", "--no-fail"]).exit_code == 0


def test_it_judges_the_ratio_if_there_is_a_limit_and_else_the_figure() -> None:
    assert Figure("a", 5.0, "ms", at_most(10)).met
    assert Figure("a", 5.0, "jobs/s", at_least(0.5), limit=10.0).met
    assert Figure("a", 5.0, "jobs/s", at_least(0.5), limit=11.0).met is False
    assert Figure("a", None, "fsyncs", at_most(1.1)).met is None
    assert Figure("a", 5.0, "ms").met is None


@pytest.mark.parametrize(("share", "found"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_it_finds_percentiles(share: float, found: int) -> None:
    assert percentile(range(1, 101), share) == found


def test_it_says_which_server_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.served.why_absent", lambda kind: f"no {kind} answers")
    figures = servers.measure(Options(tmp_path))
    assert [figure.got for figure in figures] == [None] * len(figures)
    assert {figure.note for figure in figures} == {"no postgresql answers", "no mysql answers"}
    assert not [figure for figure in figures if figure.met is not None]


def test_every_measure_has_a_module() -> None:
    folder = Path(__file__).parents[1] / "benchmarks"
    assert all((folder / f"{module}.py").is_file() for module in MEASURES.values())
