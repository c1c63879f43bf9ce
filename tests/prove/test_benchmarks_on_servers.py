"""The benchmarks run on servers, and both sides leave the same: in a small way, so that they cannot rot."""

from pathlib import Path

import pytest

from benchmarks import large, servers
from benchmarks.figures import Options

pytestmark = pytest.mark.prove


def test_each_figure_is_taken_where_its_server_is(tmp_path: Path) -> None:
    figures = servers.measure(Options(tmp_path, best_of=1, scale=0.02))
    assert all(figure.got or figure.note for figure in figures)
    assert len([figure for figure in figures if figure.got]) >= len(figures) - 1


def test_a_long_history_is_asked_on_every_kind(tmp_path: Path) -> None:
    figures = large.measure(Options(tmp_path, scale=0.001))
    assert len(figures) == 3 * len(large.QUESTIONS)
    assert all(figure.got or figure.note for figure in figures)
