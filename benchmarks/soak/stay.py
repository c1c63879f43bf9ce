"""Two daemons on one database, and what happens to them."""

import os
import random
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
MEBIBYTE = 1024 * 1024


class Stay:
    """A folder in which two daemons live: one that lasts, whose memory is watched, and one that suffers."""

    def __init__(self, folder: Path, schedules: int, chance: random.Random) -> None:
        self.place = Place(folder, DEFINITIONS.read_text(encoding="utf-8"))
        self.place.env |= SETTINGS | {"SOAK_SCHEDULES": str(schedules), "PYTHONPATH": os.getcwd()}
        self.happened: Counter[str] = Counter()
        self.memory: list[float] = []
        """Of the daemon that lasts, in MiB, once a second."""
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
            if passed > WARM_UP_SECONDS:
                self.memory.append(watched.memory_info().rss / MEBIBYTE)
            sufferer = self._befall(steady, sufferer, commands)
        self._settle(steady, sufferer)

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
            sufferer.terminate()
            sufferer.wait(30)
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

    def _reload(self, sufferer: subprocess.Popen[bytes]) -> None:
        """One schedule's definition changes: the daemon that lasts stands aside from it from then on."""
        self._edition += 1
        text = DEFINITIONS.read_text(encoding="utf-8").replace('"first"', f'"edition {self._edition}"')
        written = self.place.folder / "schedules.new"
        written.write_text(text, encoding="utf-8")
        written.replace(self.place.folder / "schedules.py")
        sufferer.send_signal(signal.SIGHUP)

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
        for daemon in daemons:
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(60)
        shutil.copyfile(self.place.folder / "steady.log", self.place.folder / "daemon.log")
        click.echo(f"what happened: {dict(self.happened)}", err=True)
