"""Instants and lengths of time as sentences spell them. Pure."""

from datetime import datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def lasting(span: timedelta) -> str:
    """'812 ms', '3.2 s', '52 s', '2 min 5 s', '1 h 3 min', '3 d 4 h': two units at most."""
    seconds = span.total_seconds()
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    first = next(index for index, (_, size) in enumerate(_UNITS) if whole >= size)
    parts = []
    for unit, size in _UNITS[first : first + 2]:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def instant(moment: datetime) -> str:
    """An instant as the ledger's sentences spell it."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
