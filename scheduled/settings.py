"""The environment and .env, read once into one frozen, validated Settings."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from scheduled.errors import Fault, SettingsError

Milliseconds = Annotated[int, Field(ge=0, le=100 * 365 * 86_400_000)]
Positive = Annotated[int, Field(ge=1, le=100 * 365 * 86_400_000)]

MINUTE = 60_000
LEAST_SECRET = 32
"""Bytes: as many as the hash has that signs a JWT."""
SECRETS = frozenset({"jwt_secret"})
"""The settings whose values are shown to nobody."""


class Settings(BaseModel):
    """What the environment decides. Durations end in `_ms` and are milliseconds; each has a variable."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    database_url: str = Field(
        "sqlite:///scheduled.db",
        alias="DATABASE_URL",
        description="Where the ledger lives, as a SQLAlchemy URL",
    )
    definitions: str = Field(
        "schedules.py",
        alias="SCHEDULE_DEFINITIONS",
        min_length=1,
        description="Where the schedules are defined: a file, a module, or module:attribute",
    )
    environment: str = Field(
        "production",
        alias="SCHEDULE_ENV",
        min_length=1,
        description="Which environment this is: schedules may name the ones that they are for",
    )
    daemon_enabled: bool = Field(
        True, alias="SCHEDULE_DAEMON_ENABLED", description="false makes `scheduled run` say so and exit 0"
    )
    poll_interval_ms: Positive = Field(
        MINUTE, alias="SCHEDULE_POLL_INTERVAL_MS", description="The daemon looks for work at least this often"
    )
    wake: Literal["exact", "poll"] = Field(
        "exact",
        alias="SCHEDULE_WAKE",
        description="exact: also wake at each due instant and request; poll: at the poll interval only",
    )
    request_interval_ms: Positive = Field(
        1000,
        alias="SCHEDULE_REQUEST_INTERVAL_MS",
        description="How often MySQL is asked for requests; SQLite and PostgreSQL tell of them at once",
    )
    heartbeat_interval_ms: Positive = Field(
        MINUTE // 2,
        alias="SCHEDULE_HEARTBEAT_INTERVAL_MS",
        description="How often a living daemon says so in the database",
    )
    lock_timeout_ms: Annotated[int, Field(ge=1000)] = Field(
        5 * MINUTE,
        alias="SCHEDULE_LOCK_TIMEOUT_MS",
        description="How long a lock outlives a holder that stopped renewing it",
    )
    missed_grace_ms: Milliseconds = Field(
        MINUTE,
        alias="SCHEDULE_MISSED_GRACE_MS",
        description="A due instant is missed if no daemon was alive for longer than this after it",
    )
    job_timeout_ms: Positive = Field(
        10 * MINUTE,
        alias="SCHEDULE_JOB_TIMEOUT_MS",
        description="How long a job may run that has no timeout of its own",
    )
    shutdown_grace_ms: Milliseconds = Field(
        25_000,
        alias="SCHEDULE_SHUTDOWN_GRACE_MS",
        description="How long a running job may go on after SIGTERM before it is interrupted",
    )
    output_limit: Annotated[int, Field(ge=0, le=64 * 1024 * 1024)] = Field(
        65_536,
        alias="SCHEDULE_OUTPUT_LIMIT",
        description="How many bytes of each run's output are kept: the last ones",
    )
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        90, alias="SCHEDULE_RETENTION_DAYS", description="How long the history is kept; 0 keeps all of it"
    )
    auto_migrate: bool | None = Field(
        None,
        alias="SCHEDULE_AUTO_MIGRATE",
        description="Whether `run` upgrades an old schema by itself; default: on SQLite only",
    )
    web_address: str = Field(
        "127.0.0.1:8080",
        alias="SCHEDULE_WEB_ADDRESS",
        min_length=1,
        description="Where `web` and `run --web` serve the admin: HOST:PORT",
    )
    metrics_port: str | None = Field(
        None,
        alias="SCHEDULE_METRICS_PORT",
        description="Where `run` serves metrics for Prometheus by itself: PORT on this host, or HOST:PORT",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", alias="SCHEDULE_LOG_FORMAT", description="auto: text on a terminal, else JSON"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="SCHEDULE_LOG_LEVEL", description="The least level that is logged"
    )
    session_idle_ms: Annotated[Positive, Field(ge=5 * MINUTE)] = Field(
        8 * 60 * MINUTE,
        alias="SCHEDULE_SESSION_IDLE_MS",
        description="How long a login to the admin lives when nobody uses it",
    )
    session_lifetime_ms: Annotated[Positive, Field(ge=5 * MINUTE)] = Field(
        7 * 24 * 60 * MINUTE,
        alias="SCHEDULE_SESSION_LIFETIME_MS",
        description="How long a login to the admin lives at most",
    )
    redact: str | None = Field(
        None,
        alias="SCHEDULE_REDACT",
        description="A regular expression of further names whose values the admin shows as •••",
    )
    trusted_proxies: str | None = Field(
        None,
        alias="SCHEDULE_TRUSTED_PROXIES",
        description="Whose X-Forwarded-* headers count: addresses or networks, with commas between them",
    )
    jwt_secret: str | None = Field(
        None,
        alias="JWT_SECRET",
        repr=False,
        description="With this secret another application signs JWTs that the admin takes; 32 bytes or more",
    )

    @field_validator("redact")
    @classmethod
    def _require_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            why = {"why": str(error)}
            raise PydanticCustomError("no_pattern", "it is no regular expression: {why}", why) from None
        return value

    @field_validator("database_url")
    @classmethod
    def _require_url(cls, value: str) -> str:
        # By a `pattern` of pydantic's the same takes a megabyte of memory.
        if not re.match(r"\w+(\+\w+)?://", value):
            raise PydanticCustomError("no_url", "it is no URL")
        return value

    @field_validator("metrics_port")
    @classmethod
    def _require_port(cls, value: str | None) -> str | None:
        host, _, port = (value or "0").rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port[:6]) <= 65_535) or len(host) > 255:
            raise PydanticCustomError("no_port", "it should be like 9090, 0.0.0.0:9090 or [::1]:9090")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _require_networks(cls, value: str | None) -> str | None:
        if value is None:
            return None
        from ipaddress import ip_network  # seldom needed

        for part in value.split(","):
            try:
                ip_network(part.strip(), strict=False)
            except ValueError:
                raise PydanticCustomError(
                    "no_network", "it should be like 10.0.0.7 or 10.0.0.0/8,fd00::/8"
                ) from None
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _require_long_secret(cls, value: str | None) -> str | None:
        if value is not None and len(value.encode("utf-8", "surrogateescape")) < LEAST_SECRET:
            raise PydanticCustomError("weak_secret", "it is too short")
        return value

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port at which a daemon serves metrics by itself; None if it does not."""
        if self.metrics_port is None:
            return None
        host, _, port = self.metrics_port.rpartition(":")
        return host.strip("[]") or "127.0.0.1", int(port)

    @property
    def grace_seconds(self) -> float:
        """How long, in seconds, no daemon may be alive before what was due counts as missed."""
        polls = self.wake == "poll"
        return max(self.missed_grace_ms, self.poll_interval_ms if polls else 0) / 1000

    @property
    def migrates(self) -> bool:
        """Whether `run` may upgrade an old schema."""
        return self.database_url.startswith("sqlite") if self.auto_migrate is None else self.auto_migrate


VARIABLES: Mapping[str, str] = {str(field.alias): name for name, field in Settings.model_fields.items()}
"""The environment variable of each setting, with the setting's name."""


class Sources:
    """Where settings come from: the process's environment wins over .env, and that over the defaults."""

    def __init__(self, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self.environment = os.environ if environment is None else environment
        file = (folder or Path.cwd()) / ".env"
        self.dotenv = _read(file) if file.is_file() else {}

    def of(self, variable: str) -> str:
        if variable in self.environment:
            return "environment"
        return ".env" if variable in self.dotenv else "default"

    def values(self) -> dict[str, str]:
        """The variables that are set. An empty one counts as not set."""
        merged = {**self.dotenv, **self.environment}
        return {name: merged[name] for name in VARIABLES if merged.get(name)}

    def suspicious(self) -> dict[str, str]:
        """Variables that look like misspelt settings, each with the one that was probably meant."""
        names = [name for name in {**self.dotenv, **self.environment} if name.startswith("SCHEDULE_")]
        unknown = [name for name in names if name not in VARIABLES]
        if not unknown:
            return {}
        from difflib import get_close_matches  # seldom needed

        near = {name: get_close_matches(name, VARIABLES, n=1, cutoff=0.8) for name in unknown}
        return {name: close[0] for name, close in near.items() if close}


def _read(file: Path) -> dict[str, str]:
    from dotenv import dotenv_values  # seldom needed

    return {name: value for name, value in dotenv_values(file).items() if value is not None}


def load_settings(sources: Sources | None = None, **overrides: Any) -> Settings:
    """Read and validate all settings. `overrides` are by variable; those that are None do not count.

    Raises:
        SettingsError: with every fault.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    found = sources or Sources()
    values: dict[str, Any] = found.values()
    for variable in ("SCHEDULE_LOG_LEVEL", "SCHEDULE_LOG_FORMAT", "SCHEDULE_WAKE"):
        if variable in values:
            values[variable] = (
                values[variable].upper() if variable.endswith("LEVEL") else values[variable].lower()
            )
    try:
        return Settings.model_validate(values | given)
    except ValidationError as error:
        raise SettingsError([_fault(dict(e), found) for e in error.errors()]) from None


def _fault(error: dict[str, Any], sources: Sources) -> Fault:
    variable = str(error["loc"][0])
    source = sources.of(variable)
    message = f"{error['input']!r} is not allowed"
    hint = error["msg"].replace("Input should be", "it should be")
    if error["type"] == "no_url":  # not shown, because it may hold a password
        return Fault(f"{variable} ({source})", "it is no URL", "as in sqlite:///scheduled.db")
    if error["type"] == "weak_secret":  # nor is this
        told = f"it has fewer than {LEAST_SECRET} bytes"
        return Fault(f"{variable} ({source})", told, "make one with `openssl rand -hex 32`")
    return Fault(f"{variable} ({source})", message, hint)
