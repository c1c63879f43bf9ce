import pytest

from scheduled.access.identity import Identity, Role

V, O, A = Role.VIEWER, Role.OPERATOR, Role.ADMIN  # noqa: E741


@pytest.mark.parametrize(("role", "allowed"), [(V, [V]), (O, [V, O]), (A, [V, O, A])])
def test_each_role_may_all_that_the_lesser_ones_may(role: Role, allowed: list[Role]) -> None:
    assert [needed for needed in Role if role.allows(needed)] == allowed
    assert [needed for needed in Role if Identity("ada", role, "token").may(needed)] == allowed
