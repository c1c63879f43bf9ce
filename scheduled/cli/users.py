"""`scheduled user`: who may use the admin."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from scheduled.access.users import User, Users

ROLES = click.Choice(["VIEWER", "OPERATOR", "ADMIN"], case_sensitive=False)
STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from stdin: its first line.")
FORCE = click.option("--force", is_flag=True, help="Even if nobody is ADMIN then.")


@click.group()
def user() -> None:
    """Say who may use the admin, and what they may do there.

    A VIEWER reads; an OPERATOR runs, cancels and switches, too; an ADMIN says who else may, too.
    """


@user.command()
@click.argument("name")
@click.option("--role", type=ROLES, required=True, help="What they may do.")
@STDIN
def add(name: str, role: str, password_stdin: bool) -> None:
    """Let somebody in. Asks for their password, twice."""
    from scheduled.access.users import role_named, tidy_name

    users = _users()
    tidy = tidy_name(name)
    added = users.add(tidy, role_named(role), _password(tidy, password_stdin), actor=_who())
    click.echo(f"{added.name} may log in, as {added.role}")


@user.command("list")
@common.json_option
def list_(as_json: bool) -> None:
    """List who may log in."""
    found = _users().all()
    if as_json:
        common.print_json([user.as_json() for user in found])
    elif not found:
        click.echo("there are no users yet: `scheduled user add NAME --role ADMIN` lets the first one in")
    else:
        now = common.now()
        headings = ("name", "role", "added", "password changed", "last login")
        common.print_table(headings, [_row(user, now) for user in found])


def _row(user: "User", now: datetime) -> list[str]:
    moments = (user.created_at, user.password_changed_at, user.last_login_at)
    return [user.name, user.role, *(common.relative(moment, now) for moment in moments)]


@user.command()
@click.argument("name")
@STDIN
def passwd(name: str, password_stdin: bool) -> None:
    """Change somebody's password. Wherever they are logged in, they are not any more."""
    users = _users()
    users.require(name)
    users.set_password(name, _password(name, password_stdin), actor=_who())
    click.echo(f"{name.strip().lower()} has another password now, and is logged out everywhere")


@user.command()
@click.argument("name")
@click.argument("role", type=ROLES)
@FORCE
def role(name: str, role: str, force: bool) -> None:
    """Change what somebody may do, at once."""
    from scheduled.access.users import role_named

    changed = _users().set_role(name, role_named(role), actor=_who(), force=force)
    click.echo(f"{name.strip().lower()} is {role}" + ("" if changed else " already"))


@user.command()
@click.argument("name")
@FORCE
def remove(name: str, force: bool) -> None:
    """Let somebody in no more: their logins and API tokens end."""
    _users().remove(name, actor=_who(), force=force)
    click.echo(f"{name.strip().lower()} may log in no more")


def _users() -> "Users":
    from scheduled.access.users import Users

    return Users(common.open_database(common.settings()))


def _who() -> str:
    from scheduled.commands import who

    return who()


def _password(name: str, from_stdin: bool) -> str:
    from scheduled.errors import UsageError

    if not from_stdin:
        asked: str = click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True)
        return asked
    if not (line := sys.stdin.readline().rstrip("\r\n")):
        raise UsageError("there is no password on stdin: its first line is empty")
    return line
