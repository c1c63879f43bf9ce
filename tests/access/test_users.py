import pytest

from scheduled.access.identity import Role
from scheduled.access.users import role_named
from scheduled.errors import ConflictError, UnknownNameError, UsageError
from tests.access.conftest import GOOD, Access

pytestmark = pytest.mark.contract


def test_a_user_is_added_and_known(access: Access) -> None:
    assert not access.users.exist()
    added = access.add("Ada@Example.org", Role.OPERATOR)
    assert access.users.exist()
    assert (added.name, added.role) == ("ada@example.org", Role.OPERATOR)
    assert access.users.all() == [added] == [access.users.named("ADA@example.ORG")]


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "ädä", "x" * 65, "a/b", "a\nb", "<b>"])
def test_it_refuses_what_is_no_name(access: Access, name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a user"):
        access.add(name)
    assert not access.users.exist()


def test_two_users_cannot_have_one_name(access: Access) -> None:
    access.add("ada")
    with pytest.raises(ConflictError, match="there is a user 'ada' already"):
        access.add("ADA")


def test_only_the_first_can_be_the_first(access: Access) -> None:
    access.users.add("ada", Role.ADMIN, GOOD, actor="setup", only_as_first=True)
    with pytest.raises(ConflictError, match="there is a user already"):
        access.users.add("eve", Role.ADMIN, GOOD, actor="setup", only_as_first=True)
    assert [user.name for user in access.users.all()] == ["ada"]


def test_it_knows_a_user_by_the_password(access: Access) -> None:
    user = access.add()
    assert access.users.check("Ada", GOOD) == user
    assert access.users.check("ada", GOOD + "!") is None
    assert access.users.check("eve", GOOD) is None


def test_a_changed_password_counts_alone(access: Access) -> None:
    access.add()
    access.users.set_password("ada", "another good one", actor="ada")
    assert access.users.check("ada", GOOD) is None
    assert access.users.check("ada", "another good one") is not None


def test_a_bad_password_changes_nothing(access: Access) -> None:
    access.add()
    with pytest.raises(UsageError, match="fewer than 10"):
        access.users.set_password("ada", "short", actor="ada")
    assert access.users.check("ada", GOOD) is not None


def test_a_role_is_changed(access: Access) -> None:
    access.add()
    access.add("bob", Role.VIEWER)
    assert access.users.set_role("bob", Role.ADMIN, actor="ada")
    assert not access.users.set_role("bob", Role.ADMIN, actor="ada")
    assert access.users.require("bob").role is Role.ADMIN


def test_the_last_admin_stays(access: Access) -> None:
    access.add()
    access.add("bob", Role.OPERATOR)
    with pytest.raises(ConflictError, match="ada is the last ADMIN"):
        access.users.remove("ada", actor="bob")
    with pytest.raises(ConflictError, match="ada is the last ADMIN"):
        access.users.set_role("ada", Role.VIEWER, actor="bob")
    assert access.users.require("ada").role is Role.ADMIN


def test_the_last_admin_goes_by_force(access: Access) -> None:
    access.add()
    access.users.remove("ada", actor="root", force=True)
    assert not access.users.exist()


def test_an_admin_goes_when_there_is_another(access: Access) -> None:
    access.add()
    access.add("bob")
    access.users.remove("ada", actor="bob")
    assert [user.name for user in access.users.all()] == ["bob"]


def test_it_suggests_a_name_for_a_misspelt_one(access: Access) -> None:
    access.add("margaret")
    for change in (
        lambda: access.users.remove("margret", actor="x"),
        lambda: access.users.set_role("margret", Role.VIEWER, actor="x"),
        lambda: access.users.set_password("margret", GOOD, actor="x"),
    ):
        with pytest.raises(UnknownNameError, match="did you mean 'margaret'"):
            change()


def test_each_change_is_in_the_audit_with_its_actor(access: Access) -> None:
    access.add()
    access.users.add("bob", Role.VIEWER, GOOD, actor="ada")
    access.users.set_role("bob", Role.OPERATOR, actor="ada")
    access.users.set_password("bob", "another good one", actor="bob")
    access.users.remove("bob", actor="ada")
    assert [(line["event"], line["actor"]) for line in access.statements()] == [
        ("user_added", "test"),
        ("user_added", "ada"),
        ("user_role_changed", "ada"),
        ("user_password_changed", "bob"),
        ("user_removed", "ada"),
    ]
    assert GOOD not in str(access.statements())
    assert "argon2" not in str(access.statements())


def test_what_is_told_of_a_user_has_no_secret(access: Access) -> None:
    user = access.add()
    assert "argon2" not in repr(user) + str(user.as_json())


def test_it_suggests_a_role_for_a_misspelt_one() -> None:
    assert role_named(" operator ") is Role.OPERATOR
    with pytest.raises(UsageError, match="did you mean 'ADMIN'"):
        role_named("admn")
