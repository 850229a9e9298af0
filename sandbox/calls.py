"""What was asked of each upstream, so that a test can say "no second model call"."""

from collections import Counter, deque
from typing import Any

RECENT = 5_000  # calls whose text is kept
TEXT_CHARS = 4_096


class Calls:
    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._distinct: dict[tuple[str, str], set[int]] = {}
        self._answered: dict[tuple[str, str], set[int]] = {}
        self._again: Counter[tuple[str, str]] = Counter()
        self._recent: deque[tuple[str, str, str]] = deque(maxlen=RECENT)

    def record(self, upstream: str, endpoint: str, text: str) -> None:
        """`text` is the request line below the base path, and the body."""
        key = (upstream, endpoint)
        self._counts[key] += 1
        self._distinct.setdefault(key, set()).add(hash(text))
        self._again[key] += hash(text) in self._answered.get(key, ())
        self._recent.append((upstream, endpoint, text[:TEXT_CHARS]))

    def answered(self, upstream: str, endpoint: str, text: str) -> None:
        """The caller was still there when the answer was due."""
        self._answered.setdefault((upstream, endpoint), set()).add(hash(text))

    def described(self) -> dict[str, dict[str, dict[str, int]]]:
        """{upstream: {endpoint: {count, distinct, again}}}.

        count - distinct calls repeated an earlier one; `again` of them repeated one that had been answered.
        """
        described: dict[str, dict[str, dict[str, int]]] = {}
        for (upstream, endpoint), calls in sorted(self._counts.items()):
            distinct = len(self._distinct[(upstream, endpoint)])
            described.setdefault(upstream, {})[endpoint] = {
                "count": calls,
                "distinct": distinct,
                "again": self._again[(upstream, endpoint)],
            }
        return described

    def recent(self, upstream: str, contains: str) -> list[dict[str, Any]]:
        """The latest calls to `upstream` (all, if empty) whose text holds `contains`, oldest first."""
        return [
            {"upstream": name, "endpoint": endpoint, "text": text}
            for name, endpoint, text in self._recent
            if upstream in (name, "") and contains in text
        ]

    def reset(self) -> None:
        self._counts.clear()
        self._distinct.clear()
        self._answered.clear()
        self._again.clear()
        self._recent.clear()
