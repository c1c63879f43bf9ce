"""What looks like a secret is not shown; what does not, is."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduled.redaction import MASK, looks_secret, names, redact_text, redact_values, whole_lines

SECRET_NAMES = [
    *(
        "password",
        "PGPASSWORD",
        "dbPassword",
        "passwd",
        "user_passwd",
        "passphrase",
        "secret",
        "clientSecret",
    ),
    *(
        "AWS_SECRET_ACCESS_KEY",
        "token",
        "access-token",
        "csrftoken",
        "api_key",
        "apiKey",
        "apikey",
        "X-Api-Key",
    ),
    *("private-key", "accessKey", "authorization", "Proxy-Authorization", "Set-Cookie", "credentials"),
    *("spring.datasource.password", "MYSQL_PWD", "DB_PASS", "jwt", "secrets", "password_hash"),
]
PLAIN_NAMES = [
    *("monkey", "keyboard", "primary_key", "sortKey", "public-key", "key_id", "self.key"),
    *("tokenizer", "max_tokens", "token_count", "access_key_id", "password_changed_at", "PWD"),
    *("secretary", "first_pass", "passwordless", "author", "compass", "cookie_name", "donkey", "hockey", ""),
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_it_knows_a_secret_by_its_name(name: str) -> None:
    assert looks_secret(name)
    assert redact_values({name: "hunter2"}) == {name: MASK}
    assert redact_text(f"{name}=hunter2") == f"{name}={MASK}"


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_it_leaves_other_names_alone(name: str) -> None:
    assert not looks_secret(name)
    assert redact_values({name: "hunter2"}) == {name: "hunter2"}
    assert redact_text(f"{name}=hunter2") == f"{name}=hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "the tokenizer took 3 s",
        "key idea: none",
        "a monkey at the keyboard: busy",
        "Error: the password is wrong",
        "token expired at 12:00",
        "https://example.org:8080/@me?page=2#top",
        "ssh://git@example.org/it.git",
        "at 12:30: 5 of 10 done, ratio=0.5",
        "the bearer of good news: nobody",
        "--password --verbose",
        "password:",
        "",
    ],
)
def test_it_leaves_ordinary_text_alone(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password: hunter2", "password: •••"),
        ("  - password: correct horse battery", "  - password: •••"),
        ("wrong password: hunter2 for bob", "wrong password: ••• for bob"),
        ('{"password": "hun\\"ter 2", "rows": 3}', '{"password": •••, "rows": 3}'),
        ('{"token":12345,"rows":3}', '{"token":•••,"rows":3}'),
        ("{'token': b'hunter 2', 'rows': 3}", "{'token': •••, 'rows': 3}"),
        ('"{\\"token\\": \\"hunter 2\\", \\"rows\\": 3}"', '"{\\"token\\": •••, \\"rows\\": 3}"'),
        ("connect(user='bob', password='hunter 2')", "connect(user='bob', password=•••)"),
        ("password=SecretStr('hunter 2'), x", "password=•••), x"),
        ("os.environ['API_KEY'] = 'hunter2'", "os.environ['API_KEY'] = •••"),
        ('password="never closed', "password=•••"),
        ('"cookies": {"a": "b"}', '"cookies": •••'),
        ("mysql --password hunter2 --user bob", "mysql --password ••• --user bob"),
        ("mysql --password=hunter2 --user bob", "mysql --password=••• --user bob"),
        ("GET /?token=hunter2&page=3 200", "GET /?token=•••&page=3 200"),
        ("Authorization: Basic aHVudGVyMg==", "Authorization: •••"),
        ("curl -H 'Authorization: Bearer hunter2' -v", "curl -H 'Authorization: •••' -v"),
        ("Set-Cookie: a=b; Path=/\nServer: x", "Set-Cookie: •••\nServer: x"),
        ("sent Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "sent Bearer •••"),
        ("postgresql://bob:hunter2@db/app", "postgresql://bob:•••@db/app"),
        ("to amqp://bob:h@unt/er2@mq:5672/ now", "to amqp://bob:•••@mq:5672/ now"),
        ("redis://:hunter2@cache:6379/0", "redis://:•••@cache:6379/0"),
        ("DATABASE_URL='mysql://bob:hunter2@db'", "DATABASE_URL='mysql://bob:•••@db'"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nok",
            "-----BEGIN RSA PRIVATE KEY-----•••\nok",
        ),
    ],
)
def test_it_hides_secrets_in_text(text: str, shown: str) -> None:
    assert redact_text(text) == shown


def test_it_hides_secrets_however_deep_they_are() -> None:
    value = {"a": [{"db": {"password": "x", "port": 1}}], "url": "http://u:pw@h", "credentials": {"u": "p"}}
    shown = {"a": [{"db": {"password": MASK, "port": 1}}], "url": f"http://u:{MASK}@h", "credentials": MASK}
    assert redact_values(value) == shown


def test_it_shows_that_nothing_is_set() -> None:
    assert redact_values({"password": None, "reset_password": True}) == {
        "password": None,
        "reset_password": True,
    }


def test_it_shows_no_depths_that_it_does_not_reach() -> None:
    value: Any = "password=x"
    for _ in range(5000):
        value = [value]
    assert "password" not in str(redact_values(value))


def test_more_names_can_be_given() -> None:
    more = names("iban|^ssn$")
    assert redact_values({"IBAN": "x", "ssn": "y", "ssns": "z"}, more) == {
        "IBAN": MASK,
        "ssn": MASK,
        "ssns": "z",
    }
    assert redact_text("customer_iban=LV80 ok", more) == "customer_iban=••• ok"
    assert names(None) is None


values = st.text("abcXYZ0189!#$%^*+/._~-@:;", min_size=4, max_size=20).map(lambda text: f"Z{text}Z")
forms = st.sampled_from([
    "{n}={v}", "x {n}={v} y", "{n}: {v}", '"{n}": "{v}"', "'{n}': '{v}'", "{n} = '{v}'", "--{n} {v}",
    "{n}={v}\n", "{{\"{n}\":\"{v}\",\"a\":1}}", "http://h/?{n}={v}",
])  # fmt: skip


@given(st.sampled_from(SECRET_NAMES), values, forms, st.text(max_size=20), st.text(max_size=20))
def test_no_secret_is_seen(name: str, value: str, form: str, before: str, after: str) -> None:
    text = f"{before}\n{form.format(n=name, v=value)}\n{after}"
    assert value not in redact_text(text) or value in f"{before}{after}"


@given(st.text())
def test_what_was_redacted_stays_as_it_is(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@given(st.text(alphabet=st.characters(exclude_characters="=:-\"'")))
def test_text_without_names_is_left_alone(text: str) -> None:
    assert redact_text(text) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(SECRET_NAMES), inner),
)


@given(json_values)
def test_values_keep_their_shape(value: Any) -> None:
    shown = redact_values(value)
    assert type(shown) is type(value)
    if isinstance(value, dict):
        assert shown.keys() == value.keys()
        assert all(shown[name] in (MASK, None, True, False) for name in value if name in SECRET_NAMES)


HOSTILE = [
    *("a", "a.", "-", " ", "\t", "\\", '"', "'", "\n", "=", ":", "[", "A", "aA", "@", "é", "•"),
    *(
        "password=",
        'password="',
        "password='\\",
        "password=\\",
        'password\\"',
        "password ",
        "password:\n",
        "- ",
    ),
    *("a://b:", "a://", "://", "a://b:c@", "http://h:1/@", "bearer ", "bearer\t", "key_", "x_key=1 ", "--a "),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "Authorization: ",
        "'Authorization:",
        "1.",
        "password=1e",
    ),
]


@pytest.mark.parametrize("bit", HOSTILE)
@pytest.mark.parametrize("begin", ["", "password=", 'token: "', "a://b:"])
def test_no_text_takes_long(begin: str, bit: str) -> None:
    """Were it by the square of the length, it would be a minute."""
    text = (begin + bit * (65_536 // len(bit) + 1))[:65_536] + "@ ://@"
    began = time.process_time()
    redact_text(text)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "value", [{"key": "AAA"}, {"pass": "AAA"}, {"tokens": ["AAA"]}, {"access_tokens": "AAA"}]
)
def test_a_bare_name_is_enough_for_a_value(value: Any) -> None:
    assert "AAA" not in str(redact_values(value))


@pytest.mark.parametrize("text", ["key=AAA", "--key AAA", '{"key": "AAA"}', "auth=AAA", "--pass=AAA"])
def test_a_bare_name_is_enough_before_a_value_in_text(text: str) -> None:
    assert "AAA" not in redact_text(text)


@pytest.mark.parametrize(
    "text", ["key: idea none", "if key == 3", "the key is under the mat", "tokens: 512", "a pass = 3 of 4"]
)
def test_a_bare_name_in_a_sentence_hides_nothing_but_what_is_assigned(text: str) -> None:
    shown = redact_text(text)
    assert shown == text or text.startswith("a pass =")


@pytest.mark.parametrize("token", ["sch_" + "a1B2" * 8, "eyJhbGciOiJI.eyJzdWIiOiJi.c2lnbmF0dXJl"])
def test_a_token_needs_no_name(token: str) -> None:
    assert redact_text(f"it said {token}, and left") == "it said •••, and left"


def test_a_number_of_tokens_is_no_secret() -> None:
    assert redact_values({"tokens": 512}) == {"tokens": 512}


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[33mpassword \x1b[0m=\x1b[32mhunter2\x1b[0m",
        "pass\x1b[1mword=hunter2",
        "\x1b]0;password=hunter2\x07",
    ],
)
def test_colours_are_no_hiding_place(text: str) -> None:
    assert "hunter2" not in redact_text(text)


def test_colours_stay_where_nothing_is_hidden() -> None:
    assert redact_text("\x1b[32mok\x1b[0m") == "\x1b[32mok\x1b[0m"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("S3cr3tValue\nand more\n", "and more\n"),
        ("S3cr3tValue\r\nand more", "and more"),
        ("S3cr3tValue\r50 %", "50 %"),
        ("S3cr3tValue", MASK),
        ("", ""),
        ("AAA\nBBB\n-----END PRIVATE KEY-----\nok", f"{MASK}\nok"),
    ],
)
def test_of_a_cut_text_it_leaves_what_no_lost_name_belongs_to(text: str, left: str) -> None:
    assert whole_lines(text) == left
