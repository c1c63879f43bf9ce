from datetime import timedelta

import pytest

from scheduled.access.identity import Identity, Role
from scheduled.access.sessions import Sessions
from scheduled.errors import DatabaseUnavailableError
from tests.access.conftest import IDLE, LIFETIME, Access

pytestmark = pytest.mark.contract


def test_the_cookie_tells_who_is_logged_in(access: Access) -> None:
    user = access.add()
    cookie = access.login(user, address="192.0.2.7", agent="Mozilla/5.0")
    (session,) = access.sessions.of(user)
    assert access.sessions.identify(cookie) == Identity("ada", Role.ADMIN, "session", session.id)
    assert (session.address, session.agent) == ("192.0.2.7", "Mozilla/5.0")


@pytest.mark.parametrize("cookie", ["", "x", "\ud800", "x" * 10_000])
def test_another_cookie_is_nobodys(access: Access, cookie: str) -> None:
    access.login(access.add())
    assert access.sessions.identify(cookie) is None


def test_the_database_does_not_hold_the_cookie(access: Access) -> None:
    cookie = access.login(access.add())
    with access.database.reading() as connection:
        held = connection.exec_driver_sql("SELECT * FROM admin_session").all()
    assert cookie not in str(held)


def test_each_login_has_a_cookie_of_its_own(access: Access) -> None:
    user = access.add()
    one, other = access.login(user), access.login(user)
    assert one != other
    assert len(access.sessions.of(user)) == 2


def test_a_login_ends_the_one_that_the_browser_had(access: Access) -> None:
    user = access.add()
    before = access.login(user)
    after = access.login(user, replacing=before)
    assert access.sessions.identify(before) is None
    assert access.sessions.identify(after) is not None


def test_a_login_that_nobody_uses_ends(access: Access) -> None:
    cookie = access.login(access.add())
    access.clock.advance(seconds=IDLE.total_seconds() - 1)
    assert access.sessions.identify(cookie) is not None
    access.clock.advance(seconds=IDLE.total_seconds())
    assert access.sessions.identify(cookie) is None


def test_a_login_ends_however_much_it_is_used(access: Access) -> None:
    cookie = access.login(access.add())
    hours = int(LIFETIME.total_seconds() / 3600)
    for _ in range(hours - 1):
        access.clock.advance(hours=1)
        assert access.sessions.identify(cookie) is not None
    access.clock.advance(hours=1)
    assert access.sessions.identify(cookie) is None


def test_a_lifetime_that_was_lowered_holds_for_logins_from_before(access: Access) -> None:
    cookie = access.login(access.add())
    access.clock.advance(hours=2)
    stricter = Sessions(access.database, idle=IDLE, lifetime=timedelta(hours=1), clock=access.clock)
    assert stricter.identify(cookie) is None


def test_it_writes_at_most_once_a_minute_when_it_was_seen(access: Access) -> None:
    user = access.add()
    cookie, begun = access.login(user), access.clock.now()
    seen = []
    for _ in range(3):
        access.clock.advance(seconds=25)
        access.sessions.identify(cookie)
        seen.append((access.sessions.of(user)[0].last_seen_at - begun).total_seconds())
    assert seen == [0, 0, 75]


def test_a_changed_role_holds_at_once(access: Access) -> None:
    cookie = access.login(access.add())
    access.users.set_role("ada", Role.VIEWER, actor="root", force=True)
    assert access.sessions.identify(cookie).role is Role.VIEWER  # type: ignore[union-attr]


def test_a_changed_password_ends_all_logins_of_that_user(access: Access) -> None:
    ada, bob = access.add(), access.add("bob")
    adas, bobs = [access.login(ada), access.login(ada)], access.login(bob)
    access.users.set_password("ada", "another good one", actor="ada")
    assert [access.sessions.identify(cookie) for cookie in adas] == [None, None]
    assert access.sessions.identify(bobs) is not None


def test_removal_ends_all_logins(access: Access) -> None:
    cookie = access.login(access.add())
    access.users.remove("ada", actor="root", force=True)
    assert access.sessions.identify(cookie) is None


def test_nobody_logs_in_whose_password_changed_while_it_was_checked(access: Access) -> None:
    checked = access.add()
    access.clock.advance(seconds=1)
    access.users.set_password("ada", "another good one", actor="root")
    assert access.sessions.open(checked) is None


def test_nobody_logs_in_who_was_removed_while_the_password_was_checked(access: Access) -> None:
    checked = access.add()
    access.users.remove("ada", actor="root", force=True)
    assert access.sessions.open(checked) is None


def test_a_login_is_ended_from_the_list(access: Access) -> None:
    user = access.add()
    cookie = access.login(user)
    (session,) = access.sessions.of(user)
    assert access.sessions.end(session.id, user, actor="ada")
    assert not access.sessions.end(session.id, user, actor="ada")
    assert access.sessions.identify(cookie) is None
    assert access.events() == ["user_added", "session_revoked"]


def test_nobody_ends_the_login_of_another(access: Access) -> None:
    ada, eve = access.add(), access.add("eve")
    cookie = access.login(ada)
    assert not access.sessions.end(access.sessions.of(ada)[0].id, eve, actor="eve")
    assert access.sessions.identify(cookie) is not None


def test_logging_out_ends_the_login(access: Access) -> None:
    user = access.add()
    cookie, other = access.login(user), access.login(user)
    access.sessions.end_own(cookie)
    assert access.sessions.identify(cookie) is None
    assert access.sessions.identify(other) is not None


def test_the_next_login_forgets_what_has_expired(access: Access) -> None:
    user = access.add()
    access.login(user)
    access.clock.advance(days=8)
    access.login(user)
    with access.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM admin_session").scalar() == 1


def test_the_login_is_noted_with_its_user(access: Access) -> None:
    access.login(access.add())
    assert access.users.require("ada").last_login_at == access.clock.now()


def test_a_database_that_takes_no_writes_for_a_while_logs_nobody_out(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = access.login(access.add())
    access.clock.advance(minutes=2)

    def locked(*_: object) -> None:
        raise DatabaseUnavailableError("locked")

    monkeypatch.setattr(access.sessions, "_do", locked)
    assert access.sessions.identify(cookie) is not None


def test_a_page_that_keeps_itself_fresh_is_no_use(access: Access) -> None:
    user = access.add()
    cookie = access.login(user)
    access.clock.advance(minutes=2)
    access.sessions.identify(cookie, in_use=False)
    assert access.sessions.of(user)[0].last_seen_at == user.created_at
