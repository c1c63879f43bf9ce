"""Imports the user's definitions into a Registry, telling every fault at once."""

import importlib
import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from scheduled import collecting
from scheduled.clock import zone_data_version
from scheduled.definitions import Schedule
from scheduled.errors import DefinitionsError, Fault, did_you_mean
from scheduled.registry import Registry

OURS = str(Path(__file__).parent)
STANDARD_LIBRARY = sysconfig.get_path("stdlib")
HIDDEN = {"scheduled", *sys.stdlib_module_names}
WRITE_ONE = "`scheduled init` writes one to begin with"


def load(definitions: str, environment: str | None = None) -> Registry:
    """Load a file (`schedules.py`), a module (`myapp.schedules`) or `module:attribute`.

    With `environment`, schedules that are for other environments are left out.

    Raises:
        DefinitionsError: with every fault that was found.
    """
    with collecting.gathering() as faults:
        registry = _load(definitions, faults)
    if faults or registry is None:
        raise DefinitionsError(dict.fromkeys(faults))
    return registry if environment is None else registry.for_environment(environment)


def _load(definitions: str, faults: list[Fault]) -> Registry | None:
    source, _, attribute = definitions.partition(":")
    module = _import(source, faults)
    if module is None:
        return None
    found = list(_schedules(module, source, attribute or "schedules", faults))
    return Registry.of(found, zone_data=zone_data_version())


def _schedules(module: ModuleType, source: str, attribute: str, faults: list[Fault]) -> Iterator[Schedule]:
    where = Path(source).name
    if not hasattr(module, attribute):
        lists = [name for name, value in vars(module).items() if isinstance(value, list | tuple)]
        ending = f"end it with: {attribute} = [Schedule(…), …]"
        hint = did_you_mean(attribute, lists) if lists else ending
        faults.append(Fault(where, f"it has no {attribute!r}", hint))
        return
    listed = getattr(module, attribute)
    if not isinstance(listed, list | tuple):
        faults.append(Fault(where, f"{attribute!r} is no list but {_kind(listed)}", "a list of Schedule(…)"))
        return
    for index, item in enumerate(listed):
        if isinstance(item, Schedule):
            yield item
        else:
            message = f"{attribute}[{index}] is no Schedule but {_kind(item)}"
            faults.append(Fault(where, message, "make it with Schedule(…)"))


def _kind(value: object) -> str:
    return f"{type(value).__name__} {value!r:.60}"


def _import(source: str, faults: list[Fault]) -> ModuleType | None:
    """The module, executed afresh; None, and a fault, if that failed."""
    path = Path(source)
    is_file = source.endswith(".py") or "/" in source
    if is_file and not path.is_file():
        hint = (
            WRITE_ONE
            if path.name == "schedules.py"
            else "give another with --schedules or SCHEDULE_DEFINITIONS"
        )
        faults.append(Fault(source, "there is no such file", hint))
        return None
    name = path.stem if is_file else source
    if name.partition(".")[0] in HIDDEN:
        faults.append(Fault(source, "its name hides a module of that name", "give it another name"))
        return None
    folder = str(path.resolve().parent if is_file else Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    collecting.forget(name)
    sys.modules.pop(name, None)
    importlib.invalidate_caches()
    try:
        return _execute_file(name, path) if is_file else importlib.import_module(name)
    except SyntaxError as error:
        place = Path(error.filename or source).name + (f":{error.lineno}" if error.lineno else "")
        faults.append(Fault(place, f"it is no valid Python: {error.msg}", (error.text or "").strip()))
    except DefinitionsError as error:
        faults.extend(error.faults)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        faults.append(_fault_of(error, source))
    sys.modules.pop(name, None)
    return None


def _execute_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _fault_of(error: BaseException, source: str) -> Fault:
    """What the user's code raised, at the user's own line."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_theirs(frame.filename)]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else source
    if isinstance(error, SystemExit):
        return Fault(where, f"it called sys.exit({error.code!r})", "definitions must not exit")
    hint = ""
    if isinstance(error, ModuleNotFoundError):
        hint = "is it installed in this environment, and is the name right?"
    return Fault(where, f"{type(error).__name__}: {_text_of(error)}", hint)


def _is_theirs(filename: str) -> bool:
    installed = {"site-packages", "dist-packages"} & set(Path(filename).parts)
    return not installed and not filename.startswith((f"{OURS}/", f"{STANDARD_LIBRARY}/", "<"))


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its text cannot be shown)"
