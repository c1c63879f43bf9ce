from typing import Literal

import pytest
from argon2 import PasswordHasher

from scheduled.access import passwords
from scheduled.errors import UsageError
from tests.access.conftest import GOOD, Access


@pytest.mark.parametrize(("password", "why"), [
    ("", "fewer than 10"), ("nine char", "fewer than 10"), ("x" * 1001, "more than 1000"),
    ("Ada.Lovelace", "the user's name"), (" ada.lovelace ", "the user's name"),
])  # fmt: skip
def test_it_refuses_a_bad_password(password: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        passwords.require_good(password, "ada.lovelace")


def test_it_takes_a_good_password() -> None:
    passwords.require_good(GOOD, "ada")
    passwords.require_good("x" * 1000, "ada")


def test_a_hash_is_argon2id_and_salted() -> None:
    one, other = passwords.hashed(GOOD), passwords.hashed(GOOD)
    assert one.startswith("$argon2id$")
    assert one != other


def test_only_the_password_fits_its_hash(quick_hashing: None) -> None:
    known = passwords.hashed(GOOD)
    assert passwords.check(GOOD, known)
    assert not passwords.check(GOOD + " ", known)
    assert not passwords.check("x" * 1_000_000, known)
    assert not passwords.check(GOOD, "no hash at all")


def test_it_does_not_matter_how_a_keyboard_composes_letters(quick_hashing: None) -> None:
    assert passwords.check("cafe\u0301 au lait", passwords.hashed("caf\u00e9 au lait"))


def test_a_lone_surrogate_is_no_traceback(quick_hashing: None) -> None:
    assert not passwords.check("\ud800" * 10, passwords.hashed(GOOD))


def test_nobodys_password_is_checked_like_anybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            verified.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", lambda: Counting(time_cost=1, memory_cost=8, parallelism=1))
    assert not passwords.check("nobody has this password", None)
    assert len(verified) == 1


def test_a_hash_of_other_parameters_is_made_anew_at_login(access: Access) -> None:
    user = access.add()
    weaker = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(GOOD)
    with access.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE admin_user SET password_hash = '{weaker}'".replace("%", "%%"))
    found = access.users.check("ada", GOOD)
    assert found is not None
    assert not passwords.outdated(found.password_hash)
    assert found.password_changed_at == user.password_changed_at
    assert access.users.check("ada", GOOD) == found
