"""`scheduled db`: the database's tables."""

from typing import TYPE_CHECKING

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from scheduled.store.copying import Content
    from scheduled.store.database import Database


@click.group()
def db() -> None:
    """Create, upgrade, downgrade or copy the database's tables."""


@db.command()
def upgrade() -> None:
    """Create the tables, or bring them up to date. Creates the database if there is none."""
    from scheduled.store import schema

    database = common.connect(common.settings(), create=True)
    before = schema.current(database)
    schema.upgrade(database)
    told = "is up to date already" if before == schema.HEAD else f"is at {schema.HEAD} now"
    click.echo(f"the schema of {database.name} {told}")


@db.command()
@common.json_option
def current(as_json: bool) -> None:
    """Tell which revision the tables have, and which one this version expects."""
    from scheduled.store import schema

    database = common.connect(common.settings())
    found = schema.current(database)
    if as_json:
        expected = {"expected": schema.HEAD, "up_to_date": found == schema.HEAD}
        common.print_json({"database": database.name, "current": found, **expected})
        return
    if found == schema.HEAD:
        told = f"at {found}, and up to date"
    elif found is None:
        told = "absent: `scheduled db upgrade` creates it"
    else:
        told = f"at {found}, but {schema.HEAD} is expected: see `scheduled db upgrade`"
    click.echo(f"the schema of {database.name} is {told}")


@db.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the tables back to REVISION, losing what it cannot hold. "base" drops them all."""
    from scheduled.store import schema

    database = common.connect(common.settings())
    schema.downgrade(database, revision)
    click.echo(f"the schema of {database.name} is at {schema.current(database) or 'base'} now")


@db.command()
@click.option(
    "--to", "url", required=True, metavar="URL", help="The other database, which holds no rows yet."
)
@common.json_option
def copy(url: str, as_json: bool) -> None:
    """Copy everything from DATABASE_URL to another database, of whatever kind.

    All of it or nothing; the database of DATABASE_URL stays as it is. No daemon may be alive.
    """
    import sys

    from scheduled.presence import require_stillness
    from scheduled.store import copying

    source, target = common.open_database(common.settings()), _target(url)

    def nobody_lives_there() -> None:
        require_stillness(source, common.now())

    nobody_lives_there()
    rows = copying.prepare(source, target)
    unseen = not sys.stderr.isatty()
    with click.progressbar(length=2 * rows, label="copying", file=sys.stderr, hidden=unseen) as bar:
        copied = copying.copy(source, target, nobody_lives_there, bar.update)
    if as_json:
        tables = {content.table: {"rows": content.rows, "checksum": content.checksum} for content in copied}
        common.print_json({"source": source.name, "target": target.name, "rows": rows, "tables": tables})
    else:
        _tell(copied, source, target)


def _target(url: str) -> "Database":
    from scheduled.errors import DatabaseError
    from scheduled.store.database import Database

    try:
        database = Database(url, create=True)
    except DatabaseError as error:
        told = str(error).replace("DATABASE_URL", "the URL")
        raise click.BadParameter(told, param_hint="--to") from None
    click.get_current_context().call_on_close(database.close)
    return database


def _tell(copied: "list[Content]", source: "Database", target: "Database") -> None:
    common.print_table(
        ("table", ">rows", "checksum"),
        [(content.table, str(content.rows), content.checksum[:16]) for content in copied],
    )
    total = sum(content.rows for content in copied)
    common.echo(f"copied {total} rows from {source.name} to {target.name}: the same rows are on both sides")
    common.echo(f"Next: set DATABASE_URL to {target.name}, and start the daemon: `scheduled run`")
