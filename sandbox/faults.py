"""Fault rules: which call goes wrong, how, and how often."""

import random
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

ERROR = "error"  # with `status`: the upstream's usual answer of that status
DELAY = "delay"  # the right answer, `delay` seconds late


@dataclass
class Rule:
    """Everything a call must match, then what happens to it. The first matching rule wins."""

    upstream: str
    kind: str = ERROR
    path: str = "*"  # glob over the path below the base: /repos/a/*
    method: str = "*"
    contains: str = ""  # text that the query or the body must hold: a video's id, a name in a prompt
    times: int | None = None  # heals after so many hits; None: until removed
    probability: float = 1.0
    seed: int = 0  # the same seed draws the same calls
    delay: float = 0.0  # seconds before the answer, on top of the latency
    status: int | None = None
    retry_after: float | None = None  # seconds; the header, as seconds or as a date by kind
    reset_in: float = 60.0  # seconds until the announced reset of a rate limit
    body: str | None = None  # instead of the usual one
    headers: dict[str, str] = field(default_factory=dict)
    id: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def matches(self, upstream: str, method: str, path: str, text: str) -> bool:
        return (
            self.upstream in (upstream, "*")
            and (self.times is None or self.hits < self.times)
            and self.method in (method, "*")
            and fnmatchcase(path, self.path)
            and self.contains in text
            and (self.probability >= 1 or self._draw.random() < self.probability)
        )


class Faults:
    """The rules in force, in the order in which they were added."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._ids = count(1)

    def add(self, described: dict[str, Any]) -> Rule:
        """Raises `ValueError` for a field that no rule has."""
        unknown = set(described) - {f.name for f in fields(Rule)} | set(described) & {"id", "hits"}
        if unknown or "upstream" not in described:
            raise ValueError(f"a rule needs 'upstream' and has no {sorted(unknown)}")
        rule = Rule(**described, id=next(self._ids))
        self.rules.append(rule)
        return rule

    def pick(self, upstream: str, method: str, path: str, text: str) -> Rule | None:
        """The rule that this call falls under, counted as hit."""
        for rule in self.rules:
            if rule.matches(upstream, method, path, text):
                rule.hits += 1
                return rule
        return None

    def remove(self, rule_id: int | None = None) -> None:
        self.rules = [rule for rule in self.rules if rule_id is not None and rule.id != rule_id]

    def described(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self.rules]
