"""The tables of who may use the admin as SQLModel classes; the others are in `scheduled.models`."""

from datetime import datetime

from sqlmodel import Field

from scheduled import tables
from scheduled.models import Table

_users, _sessions = tables.users.c, tables.sessions.c
_tokens, _keys = tables.tokens.c, tables.keys.c


class AdminUser(Table, table=True):
    """Somebody who may log in."""

    __tablename__ = "admin_user"
    __table__ = tables.users

    id: int | None = Field(default=None, sa_column=_users.id)
    name: str = Field(sa_column=_users.name)
    role: str = Field(sa_column=_users.role)
    password_hash: str = Field(sa_column=_users.password_hash)
    password_changed_at: datetime = Field(sa_column=_users.password_changed_at)
    created_at: datetime = Field(sa_column=_users.created_at)
    last_login_at: datetime | None = Field(default=None, sa_column=_users.last_login_at)


class AdminSession(Table, table=True):
    """One browser that somebody is logged in with; of its cookie only the hash is kept."""

    __tablename__ = "admin_session"
    __table__ = tables.sessions

    id: int | None = Field(default=None, sa_column=_sessions.id)
    user_id: int = Field(sa_column=_sessions.user_id)
    token_hash: str = Field(sa_column=_sessions.token_hash)
    created_at: datetime = Field(sa_column=_sessions.created_at)
    last_seen_at: datetime = Field(sa_column=_sessions.last_seen_at)
    expires_at: datetime = Field(sa_column=_sessions.expires_at)
    address: str | None = Field(default=None, sa_column=_sessions.address)
    agent: str | None = Field(default=None, sa_column=_sessions.agent)


class AdminToken(Table, table=True):
    """One API token; it was shown once, and only its hash is kept."""

    __tablename__ = "admin_token"
    __table__ = tables.tokens

    id: int | None = Field(default=None, sa_column=_tokens.id)
    user_id: int = Field(sa_column=_tokens.user_id)
    name: str = Field(sa_column=_tokens.name)
    role: str = Field(sa_column=_tokens.role)
    token_hash: str = Field(sa_column=_tokens.token_hash)
    hint: str = Field(sa_column=_tokens.hint)
    created_at: datetime = Field(sa_column=_tokens.created_at)
    expires_at: datetime | None = Field(default=None, sa_column=_tokens.expires_at)
    last_used_at: datetime | None = Field(default=None, sa_column=_tokens.last_used_at)
    revoked_at: datetime | None = Field(default=None, sa_column=_tokens.revoked_at)


class IdempotencyKey(Table, table=True):
    """A request of the API that must not be done twice, and what it came to."""

    __tablename__ = "idempotency_key"
    __table__ = tables.keys

    key_hash: str = Field(sa_column=_keys.key_hash)
    request_hash: str = Field(sa_column=_keys.request_hash)
    occurrence_id: int = Field(sa_column=_keys.occurrence_id)
    at: datetime = Field(sa_column=_keys.at)
