"""Loading a user's definitions: found where they say, every fault at once, at the user's own line."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from scheduled import collecting
from scheduled.errors import DefinitionsError
from scheduled.loading import OURS, _is_theirs, load
from scheduled.registry import Registry

HEAD = "from scheduled import Schedule, command, job\n"
NIGHTLY = "schedules = [Schedule('nightly', 'Nightly', cron='@daily')]\n"
WORK = "@job\ndef work(): ...\n"


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working directory, no jobs, and no trace of what is imported here."""
    collecting.restore(())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(name: str, *parts: str) -> None:
    """A file of the user's, below HEAD on its first line."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(map(dedent, parts)))


def faults(definitions: str = "schedules.py") -> list[str]:
    with pytest.raises(DefinitionsError) as caught:
        load(definitions)
    return [str(fault) for fault in caught.value.faults]


def ids(registry: Registry) -> str:
    return " ".join(registry.schedules) + " | " + " ".join(registry.jobs)


# ── where from ──────────────────────────────────────────────────────────────


def test_it_loads_a_file() -> None:
    write("schedules.py", WORK, NIGHTLY)
    assert ids(load("schedules.py")) == "nightly | work"


def test_it_loads_a_file_elsewhere_with_its_neighbours() -> None:
    write("deep/down/schedules.py", "import its_neighbour\n", NIGHTLY)
    write("deep/down/its_neighbour.py", WORK)
    assert ids(load("deep/down/schedules.py")) == "nightly | work"


def test_it_loads_a_file_of_any_name() -> None:
    write("our-jobs.py", WORK, NIGHTLY)
    assert ids(load("./our-jobs.py")) == "nightly | work"


def test_it_loads_a_module() -> None:
    write("some_app/__init__.py")
    write("some_app/timing.py", "from some_app import its_jobs\n", NIGHTLY)
    write("some_app/its_jobs.py", WORK)
    assert ids(load("some_app.timing")) == "nightly | work"


@pytest.mark.parametrize("definitions", ["timing:plans", "timing.py:plans"])
def test_it_loads_an_attribute(definitions: str) -> None:
    write("timing.py", WORK, NIGHTLY.replace("schedules", "plans"))
    assert ids(load(definitions)) == "nightly | work"


def test_it_takes_a_tuple() -> None:
    write("schedules.py", WORK, "schedules = (Schedule('a', 'A', cron='@daily'),)")
    assert ids(load("schedules.py")) == "a | work"


def test_it_takes_no_schedules_for_an_answer() -> None:
    write("schedules.py", "schedules = []")
    assert ids(load("schedules.py")) == " | "


def test_it_knows_the_zone_data() -> None:
    write("schedules.py", WORK, NIGHTLY)
    assert load("schedules.py").zone_data


def test_it_leaves_out_what_is_for_other_environments() -> None:
    write("schedules.py", WORK, "schedules = [Schedule('a', '', cron='@daily', environments=['production'])]")
    assert ids(load("schedules.py", "development")) == " | work"
    assert ids(load("schedules.py", "production")) == ids(load("schedules.py")) == "a | work"


# ── jobs ────────────────────────────────────────────────────────────────────


def test_jobs_of_imported_modules_count() -> None:
    write("schedules.py", "import far_jobs\n", WORK, NIGHTLY)
    write("far_jobs.py", "import farther_jobs\ncommand('far', 'true')\n")
    write("farther_jobs.py", "command('farther', 'true')\n")
    assert ids(load("schedules.py")) == "nightly | farther far work"


def test_jobs_made_inside_a_factory_count() -> None:
    write("schedules.py", "import job_factory\nfor n in 'ab': job_factory.make(n)\n", NIGHTLY)
    write("job_factory.py", "def make(n):\n    @job(name=n)\n    def work(): ...\n")
    assert ids(load("schedules.py")) == "nightly | a b"


def test_it_loads_twice_in_one_process() -> None:
    write("schedules.py", "import far_jobs\n", WORK, "far_jobs.make()\n", NIGHTLY)
    write("far_jobs.py", "command('far', 'true')\ndef make(): command('made', 'true')\n")
    first, second = load("schedules.py"), load("schedules.py")
    assert ids(first) == ids(second) == "nightly | far work made"
    assert first.hash == second.hash


def test_it_sees_what_was_changed_meanwhile() -> None:
    write("schedules.py", WORK, NIGHTLY)
    load("schedules.py")
    write("schedules.py", WORK.replace("work", "other"), NIGHTLY)
    assert ids(load("schedules.py")) == "nightly | other"


def test_it_loads_after_a_fault_was_mended() -> None:
    write("schedules.py", WORK, "nope\n")
    faults()
    write("schedules.py", WORK, NIGHTLY)
    assert ids(load("schedules.py")) == "nightly | work"


# ── faults ──────────────────────────────────────────────────────────────────


def test_it_says_that_there_is_no_such_file() -> None:
    assert faults() == ["schedules.py: there is no such file (`scheduled init` writes one to begin with)"]
    assert faults("conf/jobs.py") == [
        "conf/jobs.py: there is no such file (give another with --schedules or SCHEDULE_DEFINITIONS)"
    ]


@pytest.mark.parametrize("definitions", ["no_such_app", "no_such_app.timing", "no_such_app:plans"])
def test_it_says_that_there_is_no_such_module(definitions: str) -> None:
    (fault,) = faults(definitions)
    assert fault.startswith(f"{definitions.partition(':')[0]}: ModuleNotFoundError: No module named 'no_such")
    assert fault.endswith("(is it installed in this environment, and is the name right?)")


@pytest.mark.parametrize("definitions", ["", ":", "..", ".timing"])
def test_it_says_that_a_name_is_none(definitions: str) -> None:
    assert len(faults(definitions)) == 1


@pytest.mark.parametrize("definitions", ["scheduled.py", "scheduled.registry", "json.py", "threading"])
def test_it_lets_no_file_hide_a_module(definitions: str) -> None:
    if definitions.endswith(".py"):
        write(definitions, NIGHTLY)
    hidden = sys.modules[definitions.removesuffix(".py")]
    assert faults(definitions) == [
        f"{definitions}: its name hides a module of that name (give it another name)"
    ]
    assert sys.modules[definitions.removesuffix(".py")] is hidden


def test_it_tells_the_line_of_a_syntax_error() -> None:
    write("schedules.py", "def f(:\n")
    assert faults() == ["schedules.py:2: it is no valid Python: invalid syntax (def f(:)"]


def test_it_tells_the_line_of_a_syntax_error_in_another_file() -> None:
    write("schedules.py", "import its_helper\n")
    write("its_helper.py", "\n\nx = = 1\n")
    assert faults()[0].startswith("its_helper.py:4: it is no valid Python")


@pytest.mark.parametrize("text", [b"x = '\xff'\n", b"x = 1\0\n", b"# coding: nope\n"])
def test_it_tells_that_a_file_is_no_text(text: bytes) -> None:
    Path("schedules.py").write_bytes(text)
    assert faults()[0].startswith("schedules.py")


def test_it_tells_the_users_line_of_an_error() -> None:
    write("schedules.py", "import its_helper\n\nits_helper.fail()\n")
    write("its_helper.py", "def fail():\n    raise ValueError('no luck')\n")
    assert faults() == ["its_helper.py:3: ValueError: no luck"]


def test_it_tells_the_users_line_of_an_error_in_a_library() -> None:
    write("schedules.py", "import json\n\njson.loads('x')\n")
    assert faults()[0].startswith("schedules.py:4: JSONDecodeError")


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_it_takes_what_is_installed_for_a_library(folder: str) -> None:
    write("schedules.py", f"import sys\nsys.path.insert(0, {folder!r})\nimport installed_thing\n")
    write(f"{folder}/installed_thing.py", "1 / 0\n")
    assert faults() == ["schedules.py:4: ZeroDivisionError: division by zero"]


def test_it_takes_a_folder_that_begins_like_ours_for_the_users() -> None:
    assert _is_theirs(f"{OURS}_app/jobs.py")
    assert not _is_theirs(f"{OURS}/jobs.py")


def test_it_tells_the_users_line_of_a_wrong_call() -> None:
    write("schedules.py", "\nSchedule('a', 'b', 'c', 'd')\n")
    assert faults()[0].startswith("schedules.py:3: TypeError")


def test_it_tells_of_an_import_that_failed() -> None:
    write("schedules.py", "import no_such_thing\n")
    assert faults() == [
        "schedules.py:2: ModuleNotFoundError: No module named 'no_such_thing' "
        "(is it installed in this environment, and is the name right?)"
    ]


@pytest.mark.parametrize(
    ("call", "told"), [("sys.exit(3)", "3"), ("sys.exit()", "None"), ("exit('x')", "'x'")]
)
def test_it_tells_of_an_exit(call: str, told: str) -> None:
    write("schedules.py", f"import sys\n{call}\n")
    assert faults() == [f"schedules.py:3: it called sys.exit({told}) (definitions must not exit)"]


def test_it_tells_of_an_error_that_cannot_be_shown() -> None:
    write("schedules.py", "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd\n")
    assert faults() == ["schedules.py:4: Odd: (its text cannot be shown)"]


def test_it_can_be_interrupted() -> None:
    write("schedules.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load("schedules.py")


def test_it_tells_the_faults_of_definitions_that_load_others() -> None:
    write("schedules.py", "from scheduled.loading import load\nload('others.py')\n")
    write("others.py", "command('a b', 'true')\n")
    assert [fault.split()[0] for fault in faults()] == ["others.py:2", "others.py:"]


def test_it_says_that_there_are_no_schedules() -> None:
    write("schedules.py", WORK)
    assert faults() == ["schedules.py: it has no 'schedules' (end it with: schedules = [Schedule(…), …])"]


def test_it_suggests_the_list_that_was_meant() -> None:
    write("schedules.py", WORK, NIGHTLY.replace("schedules", "shedules"))
    assert faults() == ["schedules.py: it has no 'schedules' (did you mean 'shedules'?)"]
    assert faults("schedules.py:plans") == ["schedules.py: it has no 'plans' (known: shedules)"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("None", "NoneType None"),
        ("'nightly'", "str 'nightly'"),
        ("{1}", "set {1}"),
        ("(s for s in ())", "generator"),
    ],
)
def test_it_says_that_they_are_no_list(value: str, kind: str) -> None:
    write("schedules.py", f"schedules = {value}\n")
    (fault,) = faults()
    assert fault.startswith(f"schedules.py: 'schedules' is no list but {kind}")
    assert fault.endswith("(a list of Schedule(…))")


def test_it_says_which_items_are_no_schedules() -> None:
    write("schedules.py", WORK, "schedules = [work, Schedule('a', 'A', cron='@daily'), Schedule, None]")
    told = faults()
    assert [fault.partition(" but")[0] for fault in told] == [
        f"schedules.py: schedules[{index}] is no Schedule" for index in (0, 2, 3)
    ]
    assert told[2].endswith("but NoneType None (make it with Schedule(…))")


def test_it_tells_all_faults_at_once() -> None:
    write(
        "schedules.py",
        """\
        import its_jobs
        command("a b", "true", retries=-1)
        command("lonely", "true", depends_on=["nobody"])
        schedules = [
            Schedule("x", "X", cron="@daily", missed="run"),
            Schedule("X", "X", cron="nope", jbos=[]),
            5,
        ]
        """,
    )
    write("its_jobs.py", "@job(timeout=-1, nmae='x')\ndef work(): ...\n")
    assert " ".join(fault.split()[0].rstrip(":") for fault in faults()) == (
        "its_jobs.py:2 its_jobs.py:2 schedules.py:3 schedules.py:3 schedules.py:6 schedules.py:7 "
        "schedules.py:7 schedules.py schedules.py:7 schedules.py:4"
    )


def test_it_tells_the_faults_that_came_before_an_error() -> None:
    write("schedules.py", "command('a b', 'true')\nnope\n")
    assert [fault.partition(" ")[0] for fault in faults()] == ["schedules.py:2", "schedules.py:3:"]
