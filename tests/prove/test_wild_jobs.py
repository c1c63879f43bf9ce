"""Whatever a job does, the daemon goes on, its row is true, and nothing that it started is left behind."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from scheduled.commands import Commands
from scheduled.store.database import Database
from tests.prove.jobs import definitions
from tests.prove.scene import Scene

pytestmark = pytest.mark.prove

HEAD = """
import asyncio, ctypes, gc, io, logging, resource, socket, threading, warnings

class Strange(BaseException):
    pass
"""
BODIES = {
    "raises a BaseException": ("raise Strange('boo')", "FAILED"),
    "raises KeyboardInterrupt": ("raise KeyboardInterrupt", "FAILED"),
    "raises GeneratorExit": ("raise GeneratorExit", "FAILED"),
    "exits": ("sys.exit(3)", "FAILED"),
    "raises what cannot be shown": (
        "class E(Exception):\n        def __str__(self): raise Strange\n    raise E", "FAILED"),
    "recurses": ("def f(): f()\n    f()", "FAILED"),
    "sleeps for ever": ("time.sleep(10**6)", "TIMED_OUT"),
    "sleeps in pieces and swallows": (
        "end = time.time() + 3\n    while time.time() < end:\n        try: time.sleep(10)\n"
        "        except BaseException: pass", "TIMED_OUT"),
    "spins": ("while True: pass", "TIMED_OUT"),
    "awaits for ever": ("asyncio.run(asyncio.sleep(10**6))", "TIMED_OUT"),
    "waits for a lock for ever": ("l = threading.Lock(); l.acquire(); l.acquire()", "TIMED_OUT"),
    "waits for a socket for ever": ("a, b = socket.socketpair(); a.recv(1)", "TIMED_OUT"),
    "waits for a child for ever": ("subprocess.run(['sleep', '1000'])", "TIMED_OUT"),
    "prints 100 MB": ("for _ in range(1000): print('x' * 99_999)", "COMPLETED"),
    "prints 100 MB in one line": ("sys.stdout.write('x' * 10**8)", "COMPLETED"),
    "logs a lot": ("for n in range(20_000): logging.warning('%d %s', n, 'x' * 1000)", "COMPLETED"),
    "writes 10 MB past sys.stdout": ("os.write(1, b'y' * 10**7)", "COMPLETED"),
    "prints nonsense": ("sys.stdout.write('\\udcff\\0\\x1b[2J'); sys.stdout.flush()", "COMPLETED"),
    "closes stdout": ("sys.stdout.close(); sys.stderr.close()", "COMPLETED"),
    "closes descriptors 0, 1 and 2": ("os.close(0); os.close(1); os.close(2)", "COMPLETED"),
    "replaces stdout": ("sys.stdout = None; sys.stderr = io.StringIO(); logging.disable()", "COMPLETED"),
    "shuts logging down": ("logging.shutdown(); logging.getLogger().handlers.clear()", "COMPLETED"),
    "calls os._exit in a fork": ("if not os.fork(): os._exit(3)", "COMPLETED"),
    "forks and both return": ("os.fork()", "COMPLETED"),
    "forks and the fork raises": ("if not os.fork(): raise Strange", "COMPLETED"),
    "forks and the fork exits": ("if not os.fork(): sys.exit(0)", "COMPLETED"),
    "takes the signals": (
        "for n in (1, 2, 10, 12, 14, 15, 17): signal.signal(n, signal.SIG_IGN)\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())", "COMPLETED"),
    "signals itself": ("signal.signal(signal.SIGALRM, lambda *_: None); signal.alarm(1)", "COMPLETED"),
    "goes away": ("os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')", "COMPLETED"),
    "empties the environment": ("os.environ.clear()", "COMPLETED"),
    "warns as errors": ("warnings.simplefilter('error')", "COMPLETED"),
    "returns no JSON": ("return object()", "COMPLETED"),
    "returns too much": ("return 'x' * 10**7", "COMPLETED"),
    "leaves threads behind": (
        "for _ in range(20): threading.Thread(target=time.sleep, args=(1000,), daemon=False).start()",
        "COMPLETED"),
    "leaves a thread that prints": (
        "def f():\n        while True: print('still here'); time.sleep(0.05)\n"
        "    threading.Thread(target=f).start()", "COMPLETED"),
    "leaves a thread that dies": ("threading.Thread(target=lambda: 1 / 0).start()", "COMPLETED"),
    "breaks threading's hooks": (
        "threading.excepthook = sys.excepthook = sys.unraisablehook = lambda *_: 1 / 0\n"
        "    sys.settrace(lambda *_: None); sys.setprofile(lambda *_: None)", "COMPLETED"),
    "lowers every limit": (
        "sys.setrecursionlimit(100); resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096)); gc.disable()",
        "COMPLETED"),
    "opens files without end": (
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096))\n    global kept\n    kept = []\n"
        "    while True: kept.append(open('/dev/null'))", "FAILED"),
    "moves stdin": ("os.dup2(os.open('/dev/null', 0), 0)", "COMPLETED"),
    "breaks imports": ("sys.modules['scheduled.history'] = None; sys.path.clear()", "COMPLETED"),
}  # fmt: skip
APART = {
    "segfaults": ("ctypes.string_at(0)", "FAILED"),
    "aborts": ("os.abort()", "FAILED"),
    "kills itself": ("os.kill(os.getpid(), 9)", "FAILED"),
    "exits at once": ("os._exit(0)", "FAILED"),
    "hangs in C with the GIL held": ("ctypes.PyDLL(None).sleep(1000)", "TIMED_OUT"),
    "hangs deaf to SIGTERM": (
        "signal.signal(15, signal.SIG_IGN); ctypes.PyDLL(None).sleep(1000)", "TIMED_OUT"),
    "stops itself": ("os.kill(os.getpid(), signal.SIGSTOP)", "TIMED_OUT"),
    "leaves children behind": (
        "for _ in range(5): subprocess.Popen(['sh', '-c', 'sleep 1000 & sleep 1000'])", "COMPLETED"),
    "forks without end for a while": (
        "for _ in range(100):\n        if not os.fork(): time.sleep(1000)", "COMPLETED"),
    "closes every descriptor": ("os.closerange(0, 1000)", "FAILED"),
    "takes too much memory": (
        "resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29)); x = bytearray(2**30)", "FAILED"),
    "prints 100 MB": ("for _ in range(1000): print('x' * 99_999)", "COMPLETED"),
    "closes stdout": ("sys.stdout.close(); os.close(1); os.close(2)", "COMPLETED"),
    "raises a BaseException": ("raise Strange('boo')", "FAILED"),
    "leaves threads behind": ("threading.Thread(target=time.sleep, args=(1000,)).start()", "COMPLETED"),
}  # fmt: skip
COMMANDS = {
    "segfaults": ("kill -SEGV $$", "FAILED"),
    "sleeps for ever": ("sleep 100000", "TIMED_OUT"),
    "sleeps deaf to SIGTERM": ("trap '' TERM; while :; do sleep 1000; done", "TIMED_OUT"),
    "leaves children behind": ("for n in 1 2 3; do (sleep 1000 & sleep 1000) & done", "COMPLETED"),
    "prints 100 MB": ("head -c 100000000 /dev/zero | tr '\\\\0' x", "COMPLETED"),
    "closes stdout": ("exec >&- 2>&-; sleep 0.1", "COMPLETED"),
    "stops itself": ("kill -STOP $$", "TIMED_OUT"),
}  # fmt: skip

MISTAKES = ("NameError", "SyntaxError", "AttributeError", "ImportError")
"""Of ours, in the bodies above."""


def slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)


def source() -> str:
    """One job for each of them, one schedule for each job, and one that does its work."""
    parts, schedules = [HEAD], []
    for kind, bodies in (("inline", BODIES), ("process", APART)):
        for name, (body, status) in bodies.items():
            in_time = 5 if kind == "process" else 1  # to start one counts
            timeout = in_time if status == "TIMED_OUT" else 60
            options = f"name='{kind}-{slug(name)}', isolation='{kind}', timeout={timeout}"
            parts.append(f"@job({options})\ndef wild(ctx: JobContext):\n    note(ctx, 'began')\n    {body}\n")
            schedules.append(f"{kind}-{slug(name)}")
    for name, (line, status) in COMMANDS.items():
        timeout = 1 if status == "TIMED_OUT" else 60
        parts.append(f'command("command-{slug(name)}", """{line}""", timeout={timeout})\n')
        schedules.append(f"command-{slug(name)}")
    parts.append(
        "@job(name='tame')\ndef tame(ctx: JobContext):\n    print('it works')\n    return os.getpid()\n"
    )
    listed = "".join(
        f"Schedule(id='{name}', name='{name}', cron='0 0 1 1 *', mode='JOBS', jobs=['{name}']),"
        for name in [*schedules, "tame"]
    )
    return definitions("\n".join(parts), listed)


CASES = [
    *(("inline", name, status) for name, (_, status) in BODIES.items()),
    *(("process", name, status) for name, (_, status) in APART.items()),
    *(("command", name, status) for name, (_, status) in COMMANDS.items()),
]


@pytest.mark.parametrize(("kind", "name", "status"), CASES, ids=[f"{kind} {name}" for kind, name, _ in CASES])
def test_the_daemon_goes_on(scene: Scene, kind: str, name: str, status: str) -> None:
    scene.define(source())
    daemon = scene.start(SCHEDULE_SHUTDOWN_GRACE_MS="1000")
    commands = Commands(Database(f"sqlite:///{scene.folder / 'scheduled.db'}"), "proof", 60)
    wild = commands.trigger(f"{kind}-{slug(name)}").occurrence_id
    tame = commands.trigger("tame").occurrence_id
    scene.wait_for_row(f"SELECT finished_at FROM occurrence WHERE id = {tame}")
    assert scene.value(f"SELECT status FROM job_run WHERE occurrence_id = {wild}") == status
    assert scene.value(f"SELECT error_type FROM job_run WHERE occurrence_id = {wild}") not in MISTAKES
    printed = "SELECT status, output, result FROM job_run r JOIN job_output o ON o.job_run_id = r.id"
    found = scene.rows(f"{printed} WHERE r.occurrence_id = {tame}")
    assert found == [("COMPLETED", "it works\n", str(daemon.pid))]
    assert scene.value("SELECT COALESCE(MAX(LENGTH(output)), 0) <= 65536 FROM job_output")
    noted = Counter(note[:2] for note in scene.notes())
    assert noted == ({} if kind == "command" else {(wild, f"{kind}-{slug(name)}"): 1})
    scene.stop_all()
    scene.assert_nobody_is_left()
    scene.assert_lawful()
    scene.assert_no_dead_locks(datetime.now(UTC))
