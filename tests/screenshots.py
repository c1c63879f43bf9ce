"""`make screenshots`: pictures of the admin for the README, of a shop whose last week is made up.

Time is played to a daemon that is cranked by hand, so that a week passes in seconds; what the pages show of
them is what they would show of real ones.
"""

import random
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from scheduled import JobContext, Schedule, SkipJob, job
from scheduled.access.identity import Identity, Role
from scheduled.clock import Clock
from scheduled.registry import Registry
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.testing import ManualDaemon
from scheduled.web import create_app
from scheduled.web.serving import bind, serving
from tests.prove.browser.conftest import SILENT, chromium

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
SINCE = timedelta(days=7)
DOWN = timedelta(minutes=95)


@dataclass(frozen=True)
class Picture:
    """One page in one look."""

    name: str
    path: str
    width: int = 1280
    height: int = 800
    scheme: str = "light"


PICTURES = (
    Picture("schedules", "schedules", height=860),
    Picture("schedules-dark", "schedules", height=860, scheme="dark"),
    Picture("schedule", "schedules/nightly-close", height=1100),
    Picture("occurrence", "occurrences/{failed}", height=1000),
    Picture("timeline", "timeline?span=day", height=620),
    Picture("phone", "schedules", width=360, height=740),
)


class Shop:
    """Its jobs, which take as long as they are told to."""

    def __init__(self) -> None:
        self.daemon: ManualDaemon | None = None
        self.chance = random.Random(7)

    def takes(self, name: str, seconds: float, **options: object) -> None:
        """A job that takes about so long."""
        failing = float(options.pop("failing", 0.0))  # type: ignore[arg-type]

        def work(ctx: JobContext) -> dict[str, int]:
            assert self.daemon is not None
            self.daemon.clock.advance(seconds=seconds * self.chance.uniform(0.6, 1.5))
            rows = self.chance.randrange(40, 900)
            lately = ctx.due_at > Clock().now() - timedelta(days=1)
            if self.chance.random() < failing or (lately and name == "bank-ledger"):
                raise ConnectionError("the ledger of the bank did not answer: 503 Service Unavailable")
            if name == "fetch-rates" and ctx.due_at.weekday() > 4:
                raise SkipJob("no rates at the weekend")
            return {"rows": rows}

        job(name=name, timeout=86_400, **options)(work)  # type: ignore[call-overload]

    def registry(self) -> Registry:
        self.takes("import-orders", 40, group="close", description="Orders of the day, from all shops")
        self.takes("bank-ledger", 25, group="close", description="What the bank says was paid")
        self.takes("match-payments", 70, group="close", depends_on=["import-orders", "bank-ledger"])
        self.takes("stock-levels", 55, group="close", depends_on=["import-orders"])
        self.takes("daily-report", 15, group="close", depends_on=["match-payments", "stock-levels"])
        self.takes("sync-stock", 20, group="stock", failing=0.03)
        self.takes("fetch-rates", 3, group="rates")
        self.takes("send-mails", 6, group="mails", failing=0.01)
        self.takes("rebuild-index", 310, group="search")
        self.takes("clean-uploads", 12, group="cleaning")
        return Registry.of(
            [
                self.of("nightly-close", "Nightly close", "0 2 * * *", "close",
                        description="Closes the books of the day", timezone="Europe/Riga"),
                self.of("sync-stock", "Sync stock", "*/20 * * * *", "stock",
                        description="Levels of all warehouses"),
                self.of("exchange-rates", "Exchange rates", "0 8-18 * * mon-fri", "rates"),
                self.of("outgoing-mail", "Outgoing mail", "*/15 * * * *", "mails"),
                self.of("search-index", "Search index", "15 */3 * * *", "search", missed="run_latest",
                        description="Rebuilds what customers search in"),
                self.of("clean-uploads", "Clean uploads", "0 4 * * sun", "cleaning",
                        enabled_by_default=False),
            ]
        )  # fmt: skip

    def of(self, id: str, name: str, cron: str, group: str, **options: object) -> Schedule:
        given = {"enabled_by_default": True} | options
        return Schedule(id=id, name=name, cron=cron, mode="GROUP", group=group, **given)  # type: ignore[arg-type]

    def live(self, database: Database) -> None:
        """A week of the shop, with a daemon that was down for a while, up to now."""
        now = Clock().now()
        self.daemon = ManualDaemon(self.registry(), now=now - SINCE, database=database)
        self.daemon.advance(hours=149)
        self.daemon.crash()
        self.daemon.clock.advance(seconds=DOWN.total_seconds())
        self.daemon.start()
        self.daemon.advance(hours=1)
        self.daemon.disable("exchange-rates")
        self.daemon.advance(seconds=(now - self.daemon.clock.now()).total_seconds())
        self.daemon.beat()


@contextmanager
def shop() -> Iterator[tuple[Database, str]]:
    """The shop, and where its admin is served."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/shop.db"
        with closing(Database(url, create=True, own_clock=True)) as database:
            Shop().live(database)
            app = create_app(
                Settings(database_url=url), authenticate=lambda _: Identity("ada", Role.ADMIN, "application")
            )
            listener = bind("127.0.0.1:0")
            with serving(app, listener):
                yield database, f"http://127.0.0.1:{listener.getsockname()[1]}/admin/"


def take(browser: Browser, picture: Picture, base: str, failed: int) -> None:
    """One picture, as a reader in Riga sees it."""
    with browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,  # type: ignore[arg-type]
        locale="en-GB",
        timezone_id="Europe/Riga",
        device_scale_factor=1,
    ) as context:
        page = context.new_page()
        page.goto(base + picture.path.format(failed=failed))
        page.wait_for_timeout(500)
        page.screenshot(path=FOLDER / f"{picture.name}.png")


def main() -> None:
    found = chromium()
    if found is None:
        sys.exit("there is no Chromium here: install Debian's package `chromium`")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with shop() as (database, base), sync_playwright() as playwright:
        with database.reading() as connection:
            query = "SELECT max(id) FROM occurrence WHERE status = 'FAILED' AND schedule_id = 'nightly-close'"
            failed = connection.exec_driver_sql(query).scalar()
        browser = playwright.chromium.launch(executable_path=found, args=SILENT)
        for picture in PICTURES:
            take(browser, picture, base, failed or 1)
        browser.close()


if __name__ == "__main__":
    main()
