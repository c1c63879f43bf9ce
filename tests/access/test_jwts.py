import base64
import json
import sys
from typing import Any

import jwt
import pytest

from scheduled.access.identity import Identity, Role
from scheduled.access.jwts import JwtError, identity_of
from scheduled.errors import ScheduledError
from tests.conftest import NOON

SECRET = "a secret that is shared by both of them"
NOW = NOON.timestamp()
GOOD = {"sub": "ada", "role": "OPERATOR", "exp": NOW + 60}


def signed(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    told = {name: value for name, value in (GOOD | claims).items() if value is not None}
    return jwt.encode(told, secret, algorithm)


def test_it_tells_whom_it_is_about() -> None:
    assert identity_of(signed(), SECRET, NOON) == Identity("ada", Role.OPERATOR, "jwt")


@pytest.mark.parametrize("role", ["admin", "Admin", "ADMIN"])
def test_its_role_may_be_in_lower_case(role: str) -> None:
    assert identity_of(signed(role=role), SECRET, NOON).role is Role.ADMIN


def test_its_name_will_do_for_a_subject() -> None:
    assert identity_of(signed(sub=None, name="Ada L."), SECRET, NOON).name == "Ada L."


def test_clocks_may_differ_by_some_seconds() -> None:
    assert identity_of(signed(exp=NOW - 9), SECRET, NOON)
    assert identity_of(signed(nbf=NOW + 9), SECRET, NOON)


def test_it_may_be_meant_for_an_audience() -> None:
    assert identity_of(signed(aud="the shop", iat=NOW + 5), SECRET, NOON)


@pytest.mark.parametrize(("claims", "why"), [
    ({"exp": None}, "no claim exp"),
    ({"exp": NOW - 11}, "has expired"),
    ({"exp": "tomorrow"}, "exp is no time"),
    ({"exp": True}, "exp is no time"),
    ({"exp": float("nan")}, "exp is no time"),
    ({"exp": 10**400}, "exp is no time"),
    ({"nbf": NOW + 11}, "not good yet"),
    ({"nbf": "later"}, "nbf is no time"),
    ({"role": None}, "role is none of VIEWER, OPERATOR, ADMIN"),
    ({"role": "root"}, "role is none of"),
    ({"role": ["ADMIN"]}, "role is none of"),
    ({"sub": None}, "no claim sub or name"),
    ({"sub": " "}, "no claim sub or name"),
    ({"sub": "a\nb"}, "no claim sub or name"),
    ({"sub": "x" * 256}, "no claim sub or name"),
    ({"sub": 7}, "no claim sub or name"),
])  # fmt: skip
def test_it_refuses_claims_that_will_not_do(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(JwtError, match=why):
        identity_of(signed(**claims), SECRET, NOON)


def test_it_refuses_another_key() -> None:
    with pytest.raises(JwtError, match="not signed with JWT_SECRET"):
        identity_of(signed("another secret that is long enough"), SECRET, NOON)


def test_it_refuses_another_algorithm() -> None:
    with pytest.raises(JwtError, match="not signed by HS256"):
        identity_of(signed(SECRET * 2, "HS512"), SECRET * 2, NOON)


def b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_it_refuses_no_algorithm(algorithm: str) -> None:
    unsigned = f"{b64({'alg': algorithm, 'typ': 'JWT'})}.{b64(GOOD)}."
    with pytest.raises(JwtError, match=r"not signed by HS256|no JWT"):
        identity_of(unsigned, SECRET, NOON)


def test_it_refuses_claims_that_were_changed() -> None:
    header, _, signature = signed().split(".")
    with pytest.raises(JwtError, match="not signed with JWT_SECRET"):
        identity_of(f"{header}.{b64(GOOD | {'role': 'ADMIN'})}.{signature}", SECRET, NOON)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 100, "é.é.é", "\ud800", "[" * 3000])
def test_it_refuses_what_is_no_jwt(token: str) -> None:
    with pytest.raises(JwtError, match="no JWT"):
        identity_of(token, SECRET, NOON)


def test_a_header_that_nests_deeply_is_no_jwt() -> None:
    header = base64.urlsafe_b64encode(b"[" * 5000).decode()
    with pytest.raises(JwtError, match="no JWT"):
        identity_of(f"{header}.x.x", SECRET, NOON)


def test_a_long_one_is_not_even_read() -> None:
    with pytest.raises(JwtError, match="too long"):
        identity_of("x" * 9000, SECRET, NOON)


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    token = signed()
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ScheduledError, match=r"install scheduled-daemon\[web\]"):
        identity_of(token, SECRET, NOON)
