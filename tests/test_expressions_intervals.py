"""every N units: the grid does not move, whatever restarts and clock changes do."""

from datetime import datetime

import pytest

from scheduled.expressions import parse


def instants(text: str, zone: str, since: str, until: str) -> list[str]:
    expression = parse(text, zone)
    found = expression.between(datetime.fromisoformat(since), datetime.fromisoformat(until))
    return [instant.astimezone(expression.zone).isoformat(timespec="minutes") for instant in found]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("every minute", "every 60 seconds"),
        ("every 1 minutes", "every minute"),
        ("Every 2 Hours", "every 120 minutes"),
        ("every day", "@daily"),
        ("every hour", "every 3600 second"),
        ("every week", "0 0 * * 1"),
    ],
)
def test_it_reads(text: str, same: str) -> None:
    since, until = "2024-05-01T00:00Z", "2024-05-22T00:00Z"
    assert instants(text, "UTC", since, until) == instants(same, "UTC", since, until) != []


def test_it_counts_hours_from_the_epoch_whatever_the_clocks_do() -> None:
    # New York, 2024-03-10: at 02:00-05 to 03:00-04.
    assert instants(
        "every 6 hours", "America/New_York", "2024-03-09T20:00-05:00", "2024-03-10T15:00-04:00"
    ) == [
        "2024-03-10T01:00-05:00",
        "2024-03-10T08:00-04:00",
        "2024-03-10T14:00-04:00",
    ]


def test_it_counts_days_from_1970_01_01_at_midnight_of_the_zone() -> None:
    assert instants("every 3 days", "Europe/Riga", "1970-01-01T00:00+03:00", "1970-01-08T00:00+03:00") == [
        "1970-01-04T00:00+03:00",
        "1970-01-07T00:00+03:00",
    ]
    assert instants("every 3 days", "Europe/Riga", "2024-03-29T12:00+02:00", "2024-04-04T00:00+03:00") == [
        "2024-03-30T00:00+02:00",
        "2024-04-02T00:00+03:00",
    ]


def test_it_counts_weeks_from_monday_1970_01_05() -> None:
    assert instants("every 2 weeks", "Europe/Riga", "1970-01-01T00:00+03:00", "1970-01-20T00:00+03:00") == [
        "1970-01-05T00:00+03:00",
        "1970-01-19T00:00+03:00",
    ]


def test_it_runs_days_at_the_end_of_a_gap_at_midnight() -> None:
    # Tehran, 2022-03-22: at 00:00+03:30 to 01:00+04:30.
    assert instants("every day", "Asia/Tehran", "2022-03-21T12:00+03:30", "2022-03-23T12:00+04:30") == [
        "2022-03-22T01:00+04:30",
        "2022-03-23T00:00+04:30",
    ]


def test_it_runs_days_once_in_a_repeated_midnight() -> None:
    # Havana, 2024-11-03: at 01:00-04 back to 00:00-05.
    assert instants("every day", "America/Havana", "2024-11-02T12:00-04:00", "2024-11-04T12:00-05:00") == [
        "2024-11-03T00:00-04:00",
        "2024-11-04T00:00-05:00",
    ]


def test_it_goes_back_before_the_epoch() -> None:
    assert (
        instants("every 120 seconds", "UTC", "1969-12-31T23:57Z", "1970-01-01T00:01Z")
        == [
            "1969-12-31T23:57+00:00",
            "1969-12-31T23:58+00:00",
            "1970-01-01T00:00+00:00",
        ][1:]
    )


def test_it_knows_an_interval_of_a_hundred_years() -> None:
    first = parse("every 36525 days").next(datetime.fromisoformat("2024-01-01T00:00Z"))
    assert first == datetime.fromisoformat("2070-01-01T00:00Z")
