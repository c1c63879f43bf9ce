"""The rows of who may use the admin: users, the browsers they are logged in with, and API tokens."""

from sqlalchemy import delete, literal, select, update

from scheduled.store.statements import Statement
from scheduled.store.tables import all_given, given, inserted
from scheduled.tables import sessions, tokens, users

_u, _s, _t = users.c, sessions.c, tokens.c

ANY_USER = Statement(select(_u.id).limit(literal(1)))
USERS = Statement(select(*_u).order_by(_u.name))
USER = Statement(select(*_u).where(_u.name == given(_u.name)))
# Who reads in order to write holds the rows. All of them, because it depends on the others whether a user is
# the last ADMIN.
USERS_TO_CHANGE = Statement(select(*_u).order_by(_u.id).with_for_update())
USER_TO_CHANGE = Statement(select(*_u).where(_u.id == given(_u.id)).with_for_update())
ADD_USER = Statement(inserted(users, "name", "role", "password_hash", "password_changed_at", "created_at"))
SET_ROLE = Statement(update(users).where(_u.id == given(_u.id)).values(all_given(users, "role")))
SET_PASSWORD = Statement(
    update(users)
    .where(_u.id == given(_u.id))
    .values(all_given(users, "password_hash", "password_changed_at"))
)
HASH_AGAIN = Statement(
    update(users)
    .where(_u.id == given(_u.id), _u.password_hash == given(_u.password_hash, "known"))
    .values(all_given(users, "password_hash"))
)
NOTE_LOGIN = Statement(update(users).where(_u.id == given(_u.id)).values(all_given(users, "last_login_at")))
REMOVE_USER = Statement(delete(users).where(_u.id == given(_u.id)))

SESSION = Statement(
    select(_s.id, _s.user_id, _s.created_at, _s.last_seen_at, _s.expires_at, _u.name, _u.role)
    .join_from(sessions, users, _u.id == _s.user_id)
    .where(_s.token_hash == given(_s.token_hash))
)
SESSIONS_OF = Statement(
    select(*_s).where(_s.user_id == given(_s.user_id)).order_by(_s.last_seen_at.desc(), _s.id.desc())
)
ADD_SESSION = Statement(
    inserted(
        sessions,
        *("user_id", "token_hash", "created_at", "last_seen_at", "expires_at", "address", "agent"),
    )
)
NOTE_SEEN = Statement(
    update(sessions).where(_s.id == given(_s.id)).values(all_given(sessions, "last_seen_at"))
)
END_SESSION = Statement(delete(sessions).where(_s.id == given(_s.id), _s.user_id == given(_s.user_id)))
END_SESSION_BY_HASH = Statement(delete(sessions).where(_s.token_hash == given(_s.token_hash)))
END_SESSIONS_OF = Statement(delete(sessions).where(_s.user_id == given(_s.user_id)))
DROP_EXPIRED = Statement(delete(sessions).where(_s.expires_at <= given(_s.expires_at, "the_now")))

TOKEN = Statement(
    select(
        *(_t.id, _t.role.label("token_role"), _t.expires_at, _t.last_used_at, _t.revoked_at),
        *(_u.name, _u.role),
    )
    .join_from(tokens, users, _u.id == _t.user_id)
    .where(_t.token_hash == given(_t.token_hash))
)
TOKENS_OF = Statement(select(*_t).where(_t.user_id == given(_t.user_id)).order_by(_t.id.desc()))
ADD_TOKEN = Statement(
    inserted(tokens, *("user_id", "name", "role", "token_hash", "hint", "created_at", "expires_at"))
)
NOTE_USED = Statement(update(tokens).where(_t.id == given(_t.id)).values(all_given(tokens, "last_used_at")))
REVOKE_TOKEN = Statement(
    update(tokens)
    .where(_t.id == given(_t.id), _t.user_id == given(_t.user_id), _t.revoked_at.is_(None))
    .values(all_given(tokens, "revoked_at"))
)
DROP_TOKENS_OF = Statement(delete(tokens).where(_t.user_id == given(_t.user_id)))
