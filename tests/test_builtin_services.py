import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scheduled import collecting
from scheduled.builtin import check_services
from scheduled.builtin.services import Answer, ask, ask_all
from scheduled.context import JobContext
from scheduled.errors import DefinitionsError
from scheduled.running.calling import Outcome, call
from scheduled.words import Status

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "_decorated", [])
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("CHECK_SERVICES", raising=False)


class Handler(BaseHTTPRequestHandler):
    """Answers /<status>; redirects /to/<status>; and lets in at /private whoever is ada:s3/cret."""

    def do_GET(self) -> None:
        last = self.path.rpartition("/")[2]
        if last == "private":
            login = self.headers.get("Authorization") == "Basic YWRhOnMzL2NyZXQ="
            last = "200" if login else "401"
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", f"/{last}")
        else:
            self.send_response(int(last))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def listening() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    with listening() as port:
        return port


def run(**options: Any) -> Outcome:
    made = check_services(**options)
    assert made.function is not None
    return call(made.function, lambda: JobContext("hourly", 7, 42, made.name, NOW))


def test_it_lists_each_service_with_its_latency(web: str) -> None:
    with listening() as port:
        targets = [f"{web}/200", f"tcp://127.0.0.1:{port}"]
        first, second = value_of(run(targets=targets))
    assert (first["target"], first["up"], first["status"]) == (targets[0], True, 200)
    assert second["target"] == targets[1]
    assert 0 <= second.pop("latency_ms") < 5000
    assert second == {"target": targets[1], "up": True}


def value_of(outcome: Outcome) -> Any:
    assert outcome.status is Status.COMPLETED, outcome
    return outcome.value


def test_it_follows_redirects(web: str) -> None:
    assert value_of(run(targets=f"{web}/to/204"))[0]["status"] == 204


def test_it_fails_naming_every_one_that_is_down_and_why(web: str) -> None:
    port = closed_port()
    outcome = run(targets=[f"{web}/500", f"{web}/200", f"tcp://127.0.0.1:{port}", f"http://127.0.0.1:{port}"])
    assert outcome.status is Status.FAILED
    assert outcome.error_message == (
        f"3 of 4 services are down: {web}/500: HTTP 500 Internal Server Error; "
        f"tcp://127.0.0.1:{port}: ConnectionRefusedError: Connection refused; "
        f"http://127.0.0.1:{port}: ConnectionRefusedError: Connection refused"
    )


def test_what_it_found_is_in_the_output_even_if_it_fails(web: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        run(targets=[f"{web}/200", f"{web}/404"])
    assert f"{web}/200 is up" in caplog.text
    assert f"{web}/404 is DOWN: HTTP 404 Not Found" in caplog.text


@pytest.mark.parametrize("status", [400, 401, 404, 503])
def test_a_status_from_400_on_is_down(web: str, status: int) -> None:
    assert ask(f"{web}/{status}", 5).status == status


def test_a_redirect_that_leads_nowhere_is_down(web: str) -> None:
    answer = ask(f"{web}/302", 5)
    assert not answer.up
    assert "302" in str(answer.why)


def test_it_waits_no_longer_than_the_timeout_for_an_answer() -> None:
    with listening() as port:
        outcome = run(targets=[f"http://127.0.0.1:{port}/"], target_timeout=timedelta(milliseconds=20))
    assert "no answer within 0.02 s" in str(outcome.error_message)


def test_a_service_that_never_answers_is_down() -> None:
    with listening() as port:
        answer = ask(f"http://127.0.0.1:{port}/", 0.02)
    assert (answer.up, answer.why) == (False, "no answer within 0.02 s")
    assert answer.latency_ms >= 20


def test_it_waits_no_longer_for_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, over = threading.Event(), threading.Event()

    def never(*_address: object, **_options: object) -> None:
        asked.set()
        over.wait()
        raise OSError

    monkeypatch.setattr(socket, "create_connection", never)
    try:
        answers = ask_all(["tcp://far.example:1"], 0.02)
    finally:
        over.set()
    why = "no answer within 0.02 s"
    assert answers == [Answer("tcp://far.example:1", up=False, latency_ms=20.0, why=why)]
    assert asked.is_set()


def test_a_service_that_hangs_up_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rude(Handler):
        def do_GET(self) -> None:
            self.wfile.write(b"what?\r\n\r\n")

    with ThreadingHTTPServer(("127.0.0.1", 0), Rude) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        answer = ask(f"http://127.0.0.1:{server.server_port}", 5)
        thread.join()
    assert str(answer.why).startswith("BadStatusLine: ")


def test_it_logs_in_without_telling_the_password(web: str) -> None:
    target = f"{web}/private".replace("//", "//ada:s3%2Fcret@")
    answer = ask(target, 5)
    assert answer.up
    assert answer.target == f"{web}/private".replace("//", "//ada:***@")


def test_a_login_without_a_password_is_shown_as_it_is(web: str) -> None:
    target = f"{web}/private".replace("//", "//ada@")
    answer = ask(target, 5)
    assert (answer.target, answer.status) == (target, 401)


def test_an_at_sign_in_a_path_is_no_password(web: str) -> None:
    assert ask(f"{web}/a:b@c/404", 5).target == f"{web}/a:b@c/404"


def test_it_skips_without_targets_and_says_how_to_give_them() -> None:
    outcome = run()
    assert outcome.status is Status.SKIPPED
    assert "targets=[…]" in str(outcome.error_message)
    assert "CHECK_SERVICES" in str(outcome.error_message)


def test_it_reads_the_environment_when_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    made = check_services()
    assert made.function is not None
    with listening() as one, listening() as two:
        monkeypatch.setenv("CHECK_SERVICES", f"tcp://127.0.0.1:{one}, tcp://127.0.0.1:{two},")
        value = value_of(call(made.function, lambda: JobContext("hourly", 7, 42, made.name, NOW)))
    assert [answer["target"][-len(str(two)) :] for answer in value] == [str(one), str(two)]


def test_it_reads_the_env_file_too() -> None:
    with listening() as port:
        Path(".env").write_text(f"CHECK_SERVICES=tcp://127.0.0.1:{port}\n")
        assert len(value_of(run())) == 1


def test_a_target_in_the_environment_that_is_none_counts_as_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECK_SERVICES", "ftp://example.com")
    assert "ftp://example.com: ValueError: it is no target" in str(run().error_message)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("example.com", "it is no target: http://host/path"),
        ("file:///etc/passwd", "it is no target"),
        ("tcp://example.com", "it has no port"),
        ("tcp://example.com:99999", "Port out of range"),
        ("http://me:secret@", "'http://me:***@' cannot be asked"),
        (7, "the target 7 is no text"),
    ],
)
def test_a_target_in_the_code_that_is_none_is_a_fault(target: Any, message: str) -> None:
    with pytest.raises(
        DefinitionsError, match=r"test_builtin_services.py:\d+ job 'check-services'"
    ) as caught:
        check_services(targets=[target])
    assert message in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, True, "5", timedelta(0)])
def test_a_timeout_that_is_none_is_a_fault(timeout: Any) -> None:
    with pytest.raises(DefinitionsError, match="target_timeout"):
        check_services(target_timeout=timeout)
