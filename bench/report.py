"""The table: ours, the floor, their ratio, and whether the target is met. Medians over the rounds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

AtLeast = Callable[[float, float], bool]


@dataclass(frozen=True)
class Target:
    """A bound on the ratio to the floor, or, where `absolute`, on our own figure."""

    bound: float
    at_least: bool = False
    absolute: bool = False

    def met(self, ours: float, ratio: float | None) -> bool | None:
        value = ours if self.absolute else ratio
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}{'' if self.absolute else ' ×'}"


@dataclass
class Row:
    """One figure. `ours` and `floor` hold a value for each round."""

    name: str
    unit: str
    target: Target | None = None
    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        if not self.ours or not self.floor or not median(self.floor):
            return None
        return median(self.ours) / median(self.floor)

    @property
    def verdict(self) -> str:
        if self.target is None or not self.ours:
            return ""
        met = self.target.met(median(self.ours), self.ratio)
        return "" if met is None else "ok" if met else "below"

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "floor": self.floor,
            "ratio": self.ratio,
            "target": str(self.target) if self.target else None,
            "verdict": self.verdict or None,
        }


class Report:
    """Rows in the order in which they are first asked for."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def add(self, name: str, unit: str, stack: str, value: float, target: Target | None = None) -> None:
        row = self.rows.setdefault(name, Row(name, unit, target))
        (row.ours if stack == "ours" else row.floor).append(value)

    def table(self, title: str) -> Table:
        table = Table(title=title, title_justify="left", caption_justify="left")
        table.add_column("median of the rounds")
        for heading in ("this pipeline", "bare aiohttp", "ratio", "target"):
            table.add_column(heading, justify="right")
        table.add_column("")
        for row in self.rows.values():
            table.add_row(
                f"{row.name}, {row.unit}" if row.unit else row.name,
                _shown(row.ours),
                _shown(row.floor),
                f"{row.ratio:.2f}" if row.ratio is not None else "",
                str(row.target or ""),
                f"[red]{row.verdict}[/]" if row.verdict == "below" else row.verdict,
            )
        return table


def _shown(values: Iterable[float]) -> str:
    values = list(values)
    if not values:
        return "–"
    value = median(values)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
