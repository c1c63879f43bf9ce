"""The ASGI application: pages and API over one database, to be served alone or mounted in another one."""

from fastapi import FastAPI
from fastapi.middleware import Middleware

from scheduled.clock import Clock
from scheduled.settings import Settings, load_settings
from scheduled.store.database import Database
from scheduled.version import VERSION
from scheduled.web import problems
from scheduled.web.api import routers as of_api
from scheduled.web.api.document import describe, operation_id
from scheduled.web.doorways import doorways
from scheduled.web.forwarded import Forwarded
from scheduled.web.gate import Authenticate, Gate
from scheduled.web.middleware import Head, LimitedBody, Strict
from scheduled.web.news import Watcher
from scheduled.web.pages import routers as of_pages
from scheduled.web.site import Site
from scheduled.web.static_files import FOLDER, Kept


def create_app(
    settings: Settings | None = None,
    *,
    authenticate: Authenticate | None = None,
    database: Database | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """The admin as an ASGI application, to be served or mounted under any prefix.

    `settings`: by default those of the environment. `authenticate`: by which the application that it is
    mounted in says who asks; then it has no logins of its own. `database`: one that is open already.

    Raises:
        SettingsError: the environment holds settings that are not valid.
        DatabaseError: DATABASE_URL is no URL, or nothing here speaks to such a database.
    """
    settings = settings or load_settings()
    clock = clock or Clock()
    app = FastAPI(
        title="scheduled",
        version=VERSION,
        summary="Schedules, what became of them, and the switches.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would send whoever asks to whatever host they named
        generate_unique_id_function=operation_id,
        middleware=[
            Middleware(Forwarded, trusted=settings.trusted_proxies),
            Middleware(Strict, clock=clock),
            Middleware(LimitedBody),
            Middleware(Head),
        ],
    )
    database = database or Database(settings.database_url, create=True)
    app.state.site = Site(settings, database, clock, Gate(settings, database, clock, authenticate))
    app.state.watcher = Watcher(database, settings.redact)
    problems.install(app)
    describe(app)
    for router in (*of_api(), *of_pages(), doorways()):
        app.include_router(router)
    app.mount("/admin/static", Kept(directory=FOLDER), name="static")
    return app
