"""What the grammar accepts and refuses, and what it tells people."""

import pickle
import time

import pytest

from scheduled.errors import ExpressionError
from scheduled.expressions import parse
from scheduled.grammar import Cron, read

ACCEPTED = [
    # text, minutes, hours, days of month, months, days of week (0 is Sunday); None is all of them
    ("* * * * *", None, None, None, None, None),
    ("0 5 * * *", [0], [5], None, None, None),
    ("00 05 01 02 03", [0], [5], [1], [2], [3]),
    ("*/20 * * * *", [0, 20, 40], None, None, None, None),
    ("*/90 * * * *", [0], None, None, None, None),
    ("5/20 20/2 * * *", [5, 25, 45], [20, 22], None, None, None),
    ("1-3,7 0-23 1-31 1-12 0-7", [1, 2, 3, 7], None, None, None, None),
    ("1-9/4,30 * * * *", [1, 5, 9, 30], None, None, None, None),
    ("17 23-23/24 5-5 * *", [17], [23], [5], None, None),
    ("0 0 * jan,MAR-May *", [0], [0], None, [1, 3, 4, 5], None),
    ("0 0 * * Mon-FRI", [0], [0], None, None, [1, 2, 3, 4, 5]),
    ("0 0 * * 7", [0], [0], None, None, [0]),
    ("0 0 * * sun,5-7", [0], [0], None, None, [0, 5, 6]),
    ("0 0 * * 7/2", [0], [0], None, None, [0]),
    ("0 0 * * 1/2", [0], [0], None, None, [0, 1, 3, 5]),
    ("0 0 * * 0-7/3", [0], [0], None, None, [0, 3, 6]),
    ("5,* * * * *", None, None, None, None, None),
]
WHOLE = [range(60), range(24), range(1, 32), range(1, 13), range(7)]

REFUSED = [
    # text, what the message must name
    ("60 * * * *", ["minute", "'60'", "0-59"]),
    ("0 24 * * *", ["hour", "'24'", "0-23"]),
    ("0 0 0 * *", ["day of month", "'0'", "1-31"]),
    ("0 0 32 * *", ["day of month", "'32'", "1-31"]),
    ("00 05 10 15 20", ["month", "'15'", "1-12 or jan-dec", "'00 05 10 15 20'"]),
    ("0 0 * * 8", ["day of week", "'8'", "0 and 7 are Sunday"]),
    ("0 0 * foo *", ["month", "'foo'", "jan-dec"]),
    ("mon * * * *", ["minute", "'mon'"]),
    ("*/0 * * * *", ["minute", "'*/0'", "step"]),
    ("*/99999 * * * *", ["minute", "step", "9999"]),
    ("-1 * * * *", ["minute", "'-1'"]),
    ("1.5 * * * *", ["minute", "'1.5'"]),
    ("*-5 * * * *", ["minute", "'*-5'"]),
    ("1-2-3 * * * *", ["minute", "'1-2-3'"]),
    ("0 0 * * mon/tue", ["day of week", "'mon/tue'"]),
    ("1,,2 * * * *", ["minute", "empty"]),
    ("0 22-2 * * *", ["hour", "'22-2'", "reversed", "22-23,0-2"]),
    ("50-0 * * * *", ["minute", "reversed", "50-59,0"]),
    ("0 0 * * fri-mon", ["day of week", "reversed", "5-7,0-1"]),
    ("0 0 * * sat-sun", ["day of week", "reversed", "6-7"]),
    ("0 0 ? * 1", ["day of month", "'?'", "write *"]),
    ("0 0 L * *", ["day of month", "'L'", "last", "28-31"]),
    ("0 0 * * 5L", ["day of week", "last"]),
    ("0 0 15W * *", ["day of month", "nearest weekday"]),
    ("0 0 * * 1#2", ["day of week", "nth weekday"]),
    ("H * * * *", ["minute", "write a number"]),
    ("H/15 * * * *", ["minute", "write a number"]),
    ("R R * * *", ["minute", "random", "write a number"]),
    (
        "0 0 10 * * *",
        ["6 fields", "five: minute, hour, day of month, month, day of week", "every 30 seconds"],
    ),
    ("0 0 10 * * * 2024", ["7 fields", "no years"]),
    ("0 22, 10 * * *", ["6 fields", "a list has no spaces"]),
    ("* * * *", ["4 fields", "five"]),
    ("hello", ["1 field;", "'hello'"]),
    ("TZ=UTC 0 0 * * *", ["time zone", "beside"]),
    ("", ["empty"]),
    (" \t ", ["empty"]),
    ("0 0 * * *\n", ["line break"]),
    ("0 0\n* * *", ["line break"]),
    ("0 0 *\v* *", ["U+000B", "ASCII"]),
    ("\u0665 * * * *", ["U+0665", "ASCII"]),
    ("0 0 * * *\0", ["U+0000"]),
    ("@reboot", ["'@reboot'", "start-up", "@daily"]),
    ("@DAILY", ["'@DAILY'", "did you mean '@daily'"]),
    ("@anually", ["did you mean '@annually'"]),
    ("@every 5m", ["every 5 minutes"]),
    ("every 0 minutes", ["'0'", "whole number from 1"]),
    ("every -5 minutes", ["'-5'", "whole number"]),
    ("every 1.5 hours", ["'1.5'", "whole number"]),
    ("every five minutes", ["'five'", "whole number"]),
    ("every 2 fortnights", ["'fortnights'", "seconds, minutes, hours, days, weeks"]),
    ("every 2 months", ["'months'", "0 0 1 */3 *"]),
    ("every 101 years", ["'years'", "seconds"]),
    ("every 36526 days", ["'36526'", "100 years"]),
    ("every", ["every N units"]),
    ("every 5 minutes please", ["every N units"]),
    ("0 0 30 2 *", ["never fires", "'0 0 30 2 *'"]),
    ("0 0 31 4,6,9,11 *", ["never fires"]),
    ("0 0 30 2 */2", ["never fires"]),
]


@pytest.mark.parametrize(("text", "minutes", "hours", "days", "months", "weekdays"), ACCEPTED)
def test_it_reads(
    text: str, *, minutes: object, hours: object, days: object, months: object, weekdays: object
) -> None:
    cron = read(text)
    assert isinstance(cron, Cron)
    expected = [minutes, hours, days, months, weekdays]
    for field, values, whole in zip(cron, expected, WHOLE, strict=True):
        assert list(field.values) == (list(whole) if values is None else values)


@pytest.mark.parametrize(("text", "parts"), REFUSED)
def test_it_refuses_and_says_why(text: str, parts: list[str]) -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse(text)
    for part in parts:
        assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("alias", "meaning"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_it_reads_an_alias_as_its_five_fields(alias: str, meaning: str) -> None:
    assert read(alias) == read(meaning)


@pytest.mark.parametrize(
    ("text", "wild"),
    [
        ("* 2 * * *", True),
        ("0 */2 * * *", True),
        ("*,5 2 * * *", True),
        ("5,* 0-23 * * *", False),
        ("0-59 2 * * *", False),
    ],
)
def test_it_calls_wild_what_begins_with_a_star(text: str, wild: bool) -> None:
    cron = read(text)
    assert isinstance(cron, Cron)
    assert cron.wild is wild


def test_it_normalises_white_space_and_keeps_the_rest() -> None:
    assert parse("  0\t5  * * MON ").text == "0 5 * * MON"


def test_it_parses_equal_text_once() -> None:
    assert parse("0  5 * * *", "Europe/Riga") is parse("0 5 * * *", "Europe/Riga")


def test_it_is_equal_and_hashed_by_text_and_zone() -> None:
    expression = parse("0 5 * * *", "Europe/Riga")
    copy = pickle.loads(pickle.dumps(expression))
    assert copy == expression
    assert hash(copy) == hash(expression)
    assert expression != parse("0 5 * * *", "Europe/Berlin")


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        parse("0 5 * * *").text = "0 6 * * *"  # type: ignore[misc]


def test_it_suggests_the_nearest_time_zone() -> None:
    with pytest.raises(
        ExpressionError, match=r"unknown time zone 'Europe/Rigga'.*did you mean 'Europe/Riga'"
    ):
        parse("0 5 * * *", "Europe/Rigga")


def test_it_finds_a_time_zone_by_its_city() -> None:
    with pytest.raises(ExpressionError, match=r"unknown time zone 'riga' \(known: Europe/Riga\)"):
        parse("0 5 * * *", "riga")


@pytest.mark.parametrize(
    "zone", ["", "Europe", "../../etc/passwd", "/etc/passwd", "a\0b", "é", "\ud800", "x" * 9000]
)
def test_it_refuses_what_is_no_time_zone(zone: str) -> None:
    with pytest.raises(ExpressionError, match="unknown time zone"):
        parse("0 5 * * *", zone)


@pytest.mark.parametrize("value", [None, 5, b"* * * * *", ["* * * * *"]])
def test_it_refuses_what_is_not_text(value: object) -> None:
    with pytest.raises(ExpressionError, match="an expression is text"):
        parse(value)  # type: ignore[arg-type]
    with pytest.raises(ExpressionError, match="a time zone is a name"):
        parse("* * * * *", value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["9" * 5000 + " * * * *", "9" * 900 + " * * * *", "*/" + "9" * 900 + " * * * *", "," * 900 + " * * * *",
     "1," * 50_000, "every " + "9" * 900 + " days", "x" * 10**6, "@" * 900, "\ud800 * * * *",
     "every \u0661 days"],
)  # fmt: skip
def test_it_refuses_hostile_text_quickly_and_briefly(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ExpressionError) as refusal:
        parse(text)
    assert time.perf_counter() - began < 0.1
    assert len(str(refusal.value)) < 500
    assert str(refusal.value).isascii() or "…" in str(refusal.value)
