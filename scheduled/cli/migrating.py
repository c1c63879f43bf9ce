"""`scheduled db`: the database's tables."""

import click

from scheduled.cli import common


@click.group()
def db() -> None:
    """Create, upgrade or downgrade the database's tables."""


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
