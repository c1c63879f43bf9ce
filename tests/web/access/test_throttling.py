"""Guessing passwords is slow, and keeps nobody else out."""

import threading
from contextlib import ExitStack
from ipaddress import ip_address

import pytest
from freezegun import freeze_time

from scheduled.web.problems import ProblemError
from scheduled.web.throttling import (
    PER_ADDRESS,
    PER_NAME,
    PER_NAME_ANYWHERE,
    Attempts,
    Room,
    TooOftenError,
)
from tests.patience import PATIENCE
from tests.web.access.conftest import Browser, Door

ONE = ip_address("192.0.2.1")


def test_guessing_at_a_name_ends_soon(browser: Browser) -> None:
    answers = [browser.login(password="wrong guess") for _ in range(PER_NAME.amount + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {401}
    assert answers[-1].status_code == 429
    assert 290 <= int(answers[-1].headers["retry-after"]) <= 300
    assert "try again in 5 minutes" in answers[-1].text


def test_then_even_the_right_password_must_wait(browser: Browser) -> None:
    for _ in range(PER_NAME.amount):
        browser.login(password="wrong guess")
    assert browser.login().status_code == 429


def test_another_name_is_not_kept_waiting(door: Door, browser: Browser) -> None:
    door.access.add("bob")
    for _ in range(PER_NAME.amount + 1):
        browser.login(password="wrong guess")
    assert door.browser(address="192.0.2.7").login(name="bob").status_code == 303


def test_logging_in_forgets_the_attempts_at_that_name(browser: Browser) -> None:
    for _ in range(2):
        for _ in range(PER_NAME.amount - 1):
            browser.login(password="wrong guess")
        assert browser.login().status_code == 303


def test_guessing_at_many_names_ends_too(door: Door) -> None:
    browser = door.browser(address="192.0.2.7")
    answers = [browser.login(name=f"name{n}").status_code for n in range(PER_ADDRESS.amount + 1)]
    assert answers == [401] * PER_ADDRESS.amount + [429]
    assert door.browser(address="192.0.2.8").login().status_code == 303


def test_a_network_of_ipv6_is_one_attacker() -> None:
    attempts = Attempts()
    for n in range(PER_ADDRESS.amount):
        attempts.note(ip_address(f"2001:db8:0:7:{n:x}::1"), f"name{n}")
    with pytest.raises(TooOftenError):
        attempts.note(ip_address("2001:db8:0:7::1"), "another")
    attempts.note(ip_address("2001:db8:0:8::1"), "another")


def test_after_a_while_one_may_try_again() -> None:
    with freeze_time("2026-03-02 12:00") as frozen:
        attempts = Attempts()
        for _ in range(PER_NAME.amount):
            attempts.note(ONE, "ada")
        with pytest.raises(TooOftenError, match="in 5 minutes"):
            attempts.note(ONE, "ada")
        frozen.tick(301)
        attempts.note(ONE, "ada")


def test_few_passwords_are_checked_at_once_and_few_wait() -> None:
    room = Room(at_once=1, waiting=1)
    entered, leave = threading.Event(), threading.Event()

    def wait_inside() -> None:
        with room.enter():
            entered.set()
            leave.wait(PATIENCE)

    threads = [threading.Thread(target=wait_inside) for _ in range(2)]
    threads[0].start()
    assert entered.wait(PATIENCE)
    with ExitStack() as stack:
        stack.callback(leave.set)
        assert room._places.acquire(blocking=False)  # the one that waits
        with pytest.raises(ProblemError, match="too many log in at this moment") as caught, room.enter():
            pytest.fail("there was no room")
        room._places.release()
    threads[0].join(PATIENCE)
    assert caught.value.status == 503
    with room.enter():
        assert not threads[0].is_alive()


def test_who_finds_no_room_is_told_when_to_come_back(door: Door, browser: Browser) -> None:
    door.gate.room = Room(at_once=1, waiting=0)
    with door.gate.room.enter():
        answer = browser.login()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert browser.login().status_code == 303


def test_who_has_no_address_is_counted_with_the_others_that_have_none() -> None:
    attempts = Attempts()
    for n in range(PER_ADDRESS.amount):
        attempts.note(None, f"name{n}")
    with pytest.raises(TooOftenError):
        attempts.note(None, "another")


def test_guessing_at_a_name_keeps_its_owner_elsewhere_in() -> None:
    attempts = Attempts()
    for _ in range(PER_NAME.amount):
        attempts.note(ONE, "ada")
    with pytest.raises(TooOftenError):
        attempts.note(ONE, "ada")
    attempts.note(ip_address("198.51.100.7"), "ada")


def test_guessing_at_a_name_from_everywhere_ends_too() -> None:
    attempts = Attempts()
    for n in range(PER_NAME_ANYWHERE.amount):
        attempts.note(ip_address(f"10.0.{n // 250}.{n % 250}"), "ada")
    with pytest.raises(TooOftenError):
        attempts.note(ONE, "ada")
