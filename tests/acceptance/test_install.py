"""The product as it is delivered: a wheel in an empty directory, and a Procfile."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scheduled.store import schema
from tests.acceptance.conftest import Place
from tests.patience import PATIENCE

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder that holds the wheel's content, and of ours nothing else."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist")]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("scheduled_daemon-*.whl")
    target = tmp_path / "installed"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
    ]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return target


def test_the_wheel_works_in_an_empty_directory(installed: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "empty")
    place.folder.mkdir()
    place.env["PYTHONPATH"] = str(installed)
    assert place.call("init").returncode == 0
    checked = json.loads(place.call("check", "--json").stdout)
    assert checked["ok"], checked
    daemon = place.start("--poll-interval", "1s")
    assert f"{installed}" in place.call_python("import scheduled; print(scheduled.__file__)")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    assert place.value("SELECT version_num FROM scheduled_version") == schema.HEAD


def test_the_procfile_starts_the_scheduler(place: Place) -> None:
    shutil.copy(ROOT / "Procfile", place.folder / "Procfile")
    path = f"{Path(sys.executable).parent}{os.pathsep}{place.env['PATH']}"
    honcho = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start", "--no-colour"],
        cwd=place.folder,
        env=place.env | {"PATH": path, "SCHEDULE_WEB_ADDRESS": "127.0.0.1:0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        place.wait_for(lambda: (place.folder / "scheduled.db").exists())
        place.wait_for(lambda: _ran(place))
    finally:
        honcho.send_signal(signal.SIGTERM)
        output, _ = honcho.communicate(timeout=PATIENCE)
    assert "scheduler.1" in output
    assert place.value("SELECT status FROM worker_instance") == "STOPPED"


def _ran(place: Place) -> object:
    tables = place.value("SELECT COUNT(*) FROM sqlite_master WHERE name = 'occurrence'")
    return tables and place.value("SELECT 1 FROM occurrence WHERE status = 'COMPLETED'")
