"""Percentiles of whole numbers in bounded memory. Pure."""

from collections import Counter

EXACT_BITS = 11


class Histogram:
    """How often each value came. Numbers keep their 11 leading bits: below 2048 exact, above within 0.1 %.

    So there are at most 1024 counters for each doubling, however many values come: some 30,000 for
    milliseconds from none to a decade.
    """

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, value: int) -> None:
        shift = max(0, value.bit_length() - EXACT_BITS)
        self._counts[value >> shift << shift] += 1

    @property
    def count(self) -> int:
        return self._counts.total()

    def percentile(self, percent: int) -> int | None:
        """By nearest rank: the least value that came, which so many per cent of all do not exceed."""
        rank = max(1, -(-self.count * percent // 100))
        for value in sorted(self._counts):
            rank -= self._counts[value]
            if rank <= 0:
                return value
        return None
