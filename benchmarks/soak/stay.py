"""Two daemons on one database, and what happens to them."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import click
import psutil

from benchmarks.place import COMMAND, Place
from scheduled.commands import Commands
from scheduled.errors import ScheduledError
from scheduled.store.database import Database

DEFINITIONS = Path(__file__).with_name("definitions.py")
SETTINGS = {
    "SCHEDULE_LOCK_TIMEOUT_MS": "4000",
    "SCHEDULE_HEARTBEAT_INTERVAL_MS": "1000",
    "SCHEDULE_MISSED_GRACE_MS": "2000",
    "SCHEDULE_SHUTDOWN_GRACE_MS": "2000",
}
WARM_UP_SECONDS = 10.0
NOT_YET_READY = -signal.SIGTERM
"""How one ends that is told to stop before it has begun to listen."""
MEBIBYTE = 1024 * 1024


class Stay:
    """A folder in which two daemons live: one that lasts, whose memory is watched, and one that suffers."""

    def __init__(self, folder: Path, schedules: int, chance: random.Random) -> None:
        self.place = Place(folder, DEFINITIONS.read_text(encoding="utf-8"))
        self.place.env |= SETTINGS | {"SOAK_SCHEDULES": str(schedules), "PYTHONPATH": os.getcwd()}
        self.happened: Counter[str] = Counter()
        self.memory: list[float] = []
        """Of the daemon that lasts, in MiB, once a second."""
        self.faults: list[str] = []
        """What daemons did that nobody asked of them."""
        self._schedules = schedules
        self._chance = chance
        self._edition = 0

    def last(self, seconds: float) -> None:
        """Everything that can happen, for so long; at the end both daemons stop in good order."""
        steady = self._start("steady")
        sufferer = self._start("sufferer")
        begun = time.monotonic()
        watched = psutil.Process(steady.pid)
        commands = self._commands()
        while (passed := time.monotonic() - begun) < seconds:
            time.sleep(self._chance.uniform(0.2, 1.2))
            if not self._lives("steady", steady):
                return
            if not self._lives("sufferer", sufferer):
                sufferer = self._start("sufferer")
            if passed > WARM_UP_SECONDS:
                self.memory.append(watched.memory_info().rss / MEBIBYTE)
            sufferer = self._befall(steady, sufferer, commands)
        self._settle(steady, sufferer)

    def _lives(self, name: str, daemon: subprocess.Popen[bytes]) -> bool:
        if daemon.poll() is not None:
            self.faults.append(f"the {name} ended by itself with status {daemon.returncode}")
        return daemon.returncode is None

    def _befall(
        self, steady: subprocess.Popen[bytes], sufferer: subprocess.Popen[bytes], commands: Commands
    ) -> subprocess.Popen[bytes]:
        """One thing happens; the sufferer that lives after it."""
        chosen = self._chance.choices(
            ("nothing", "killed", "stopped", "suspended", "both suspended", "reloaded", "switched", "asked"),
            weights=(4, 3, 1, 1.5, 0.5, 1, 3, 4),
        )[0]
        self.happened[chosen] += 1
        if chosen == "killed":
            sufferer.kill()
            sufferer.wait()
            return self._start("sufferer")
        if chosen == "stopped":
            self._stop("sufferer", sufferer, NOT_YET_READY)
            return self._start("sufferer")
        if chosen == "suspended":
            self._suspend(sufferer, seconds=self._chance.uniform(0.5, 7))
        elif chosen == "both suspended":
            self._suspend(sufferer, steady, seconds=self._chance.uniform(0.5, 4))
        elif chosen == "reloaded":
            self._reload(sufferer)
        elif chosen in ("switched", "asked"):
            with suppress(ScheduledError):
                self._command(chosen, commands)
        return sufferer

    def _command(self, chosen: str, commands: Commands) -> None:
        schedule_id = f"soak-{self._chance.randrange(self._schedules):03}"
        if chosen == "asked":
            asked = commands.trigger(schedule_id)
            if self._chance.random() < 0.2:
                commands.cancel(asked.occurrence_id)
        elif self._chance.random() < 0.5:
            commands.disable([schedule_id], "the soak wants it")
        else:
            commands.enable([schedule_id], "the soak wants it")

    def _suspend(self, *daemons: subprocess.Popen[bytes], seconds: float) -> None:
        for daemon in daemons:
            daemon.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        for daemon in daemons:
            daemon.send_signal(signal.SIGCONT)

    def _stop(self, name: str, daemon: subprocess.Popen[bytes], *allowed: int) -> None:
        daemon.terminate()
        if (status := daemon.wait(60)) not in (0, *allowed):
            self.faults.append(f"the {name} was to stop, and ended with status {status}")

    def _reload(self, sufferer: subprocess.Popen[bytes]) -> None:
        """Definitions change, once the sufferer is there to hear of it: the other stands aside from them."""
        if not self._is_ready(sufferer):
            return
        self._edition += 1
        text = DEFINITIONS.read_text(encoding="utf-8").replace("EDITION = 0", f"EDITION = {self._edition}")
        written = self.place.folder / "schedules.new"
        written.write_text(text, encoding="utf-8")
        written.replace(self.place.folder / "schedules.py")
        sufferer.send_signal(signal.SIGHUP)

    def _is_ready(self, daemon: subprocess.Popen[bytes]) -> bool:
        """Whether it says so within a second. From then on it heeds SIGHUP, also while it starts afresh."""
        log = self.place.folder / "sufferer.log"
        for _ in range(20):
            if re.search(rf'"daemon.started".*/{daemon.pid}"', log.read_text(encoding="utf-8")):
                return True
            time.sleep(0.05)
        return False

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        with (self.place.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(COMMAND), "run"], cwd=self.place.folder, env=self.place.env, stderr=log, stdout=log
            )
        if name == "steady":
            time.sleep(3)
        return process

    def _commands(self) -> Commands:
        database = Database(f"sqlite:///{self.place.file}")
        return Commands(database, "soak", float(SETTINGS["SCHEDULE_MISSED_GRACE_MS"]) / 1000)

    def _settle(self, *daemons: subprocess.Popen[bytes]) -> None:
        """All is quiet: what is left of the dead is taken over, and both stop."""
        time.sleep(float(SETTINGS["SCHEDULE_LOCK_TIMEOUT_MS"]) / 1000 + 1)
        for name, daemon in zip(("steady", "sufferer"), daemons, strict=True):
            if self._lives(name, daemon):
                self._stop(name, daemon)
        shutil.copyfile(self.place.folder / "steady.log", self.place.folder / "daemon.log")
        click.echo(f"what happened: {dict(self.happened)}", err=True)
