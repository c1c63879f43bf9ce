"""The keys of requests that must not be done twice."""

from sqlalchemy import delete, select

from scheduled.store.statements import Statement
from scheduled.store.tables import given, inserted
from scheduled.tables import keys

_k = keys.c

KEY = Statement(select(*_k).where(_k.key_hash == given(_k.key_hash)))
ADD_KEY = Statement(inserted(keys, "key_hash", "request_hash", "occurrence_id", "at"))
FORGET_KEY = Statement(delete(keys).where(_k.key_hash == given(_k.key_hash)))
