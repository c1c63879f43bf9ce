import pytest

from scheduled.access.identity import Identity, Role
from scheduled.errors import ConflictError, UsageError
from tests.access.conftest import Access

pytestmark = pytest.mark.contract


def test_a_token_tells_whose_it_is(access: Access) -> None:
    secret = access.token(access.add(), Role.OPERATOR)
    assert secret.startswith("sch_")
    assert access.tokens.identify(secret) == Identity("ada", Role.OPERATOR, "token")


def test_another_token_is_nobodys(access: Access) -> None:
    secret = access.token(access.add())
    assert access.tokens.identify(secret[:-1]) is None
    assert access.tokens.identify("sch_") is None


def test_the_database_holds_no_more_than_its_first_letters(access: Access) -> None:
    secret = access.token(access.add())
    with access.database.reading() as connection:
        held = str(connection.exec_driver_sql("SELECT * FROM admin_token").all())
    assert secret[:8] in held
    assert secret[:12] not in held
    assert secret[:12] not in str(access.statements())


def test_a_token_expires(access: Access) -> None:
    secret = access.token(access.add(), days=30)
    access.clock.advance(days=29)
    assert access.tokens.identify(secret) is not None
    access.clock.advance(days=1)
    assert access.tokens.identify(secret) is None


def test_a_token_without_expiry_goes_on(access: Access) -> None:
    secret = access.token(access.add())
    access.clock.advance(days=10_000)
    assert access.tokens.identify(secret) is not None


def test_it_refuses_an_expiry_that_has_passed(access: Access) -> None:
    with pytest.raises(UsageError, match="has passed"):
        access.token(access.add(), days=-1)


def test_a_revoked_token_is_nobodys(access: Access) -> None:
    user = access.add()
    secret = access.token(user)
    (token,) = access.tokens.of(user)
    assert access.tokens.revoke(token.id, user, actor="ada")
    assert not access.tokens.revoke(token.id, user, actor="ada")
    assert access.tokens.identify(secret) is None
    assert access.tokens.of(user)[0].revoked_at == access.clock.now()


def test_nobody_revokes_the_token_of_another(access: Access) -> None:
    ada, eve = access.add(), access.add("eve")
    secret = access.token(ada)
    assert not access.tokens.revoke(access.tokens.of(ada)[0].id, eve, actor="eve")
    assert access.tokens.identify(secret) is not None


def test_a_token_may_not_do_more_than_its_owner(access: Access) -> None:
    with pytest.raises(UsageError, match="a token of theirs may not be ADMIN"):
        access.token(access.add("bob", Role.OPERATOR), Role.ADMIN)


def test_a_token_loses_what_its_owner_loses(access: Access) -> None:
    access.add()
    secret = access.token(access.add("bob"), Role.ADMIN)
    access.users.set_role("bob", Role.VIEWER, actor="ada")
    assert access.tokens.identify(secret) == Identity("bob", Role.VIEWER, "token")


def test_a_token_dies_with_its_owner(access: Access) -> None:
    secret = access.token(access.add())
    access.users.remove("ada", actor="root", force=True)
    assert access.tokens.identify(secret) is None


def test_an_owner_who_is_gone_gets_no_token(access: Access) -> None:
    user = access.add()
    access.users.remove("ada", actor="root", force=True)
    with pytest.raises(ConflictError, match="no user 'ada' any more"):
        access.token(user)


@pytest.mark.parametrize("name", ["", "  ", "x" * 65])
def test_a_token_needs_a_name(access: Access, name: str) -> None:
    with pytest.raises(UsageError, match="needs a name"):
        access.tokens.make(access.add(), name, Role.VIEWER, None, actor="ada")


def test_it_writes_at_most_once_a_minute_when_it_was_used(access: Access) -> None:
    user = access.add()
    secret, begun = access.token(user), access.clock.now()
    used = []
    for _ in range(3):
        access.tokens.identify(secret)
        when = access.tokens.of(user)[0].last_used_at
        used.append(when and (when - begun).total_seconds())
        access.clock.advance(seconds=40)
    assert used == [0, 0, 80]


def test_making_and_revoking_are_in_the_audit(access: Access) -> None:
    user = access.add()
    access.token(user)
    access.tokens.revoke(access.tokens.of(user)[0].id, user, actor="ada")
    assert access.events() == ["user_added", "token_created", "token_revoked"]
