"""What the table says of figures, and how they are taken."""

import asyncio

import pytest
from rich.console import Console

from bench.measures import at_rate, percentile
from bench.report import Report, Row, Target


def row(target: Target | None, ours: list[float], floor: list[float]) -> Row:
    return Row("imports", "1/s", target, ours, floor)


def test_the_ratio_is_that_of_the_medians() -> None:
    assert row(None, [50, 60, 900], [100, 120, 130]).ratio == 0.5


def test_a_figure_without_its_floor_has_no_ratio_and_no_verdict() -> None:
    alone = row(Target(0.6, at_least=True), [50], [])
    assert (alone.ratio, alone.verdict) == (None, "")


@pytest.mark.parametrize(
    ("target", "ours", "floor", "verdict"),
    [
        (Target(0.6, at_least=True), 60, 100, "ok"),
        (Target(0.6, at_least=True), 59, 100, "below"),
        (Target(1.3), 130, 100, "ok"),
        (Target(1.3), 131, 100, "below"),
        (Target(2, absolute=True), 2, 60, "ok"),
        (Target(2, absolute=True), 2.1, 60, "below"),
        (Target(2, absolute=True), 0, 0, "ok"),
        (None, 1, 100, ""),
    ],
)
def test_a_target_is_held_against_the_ratio_or_where_it_is_absolute_against_our_own_figure(
    target: Target | None, ours: float, floor: float, verdict: str
) -> None:
    assert row(target, [ours], [floor]).verdict == verdict


def test_the_table_shows_each_figure_once_with_the_median_of_its_rounds() -> None:
    report = Report()
    for stack, values in {"ours": (7, 9, 8), "floor": (10, 12, 11)}.items():
        for value in values:
            report.add("imports", "1/s", stack, value, Target(0.6, at_least=True))
    console = Console(record=True, width=100)
    console.print(report.table("title"))
    line = next(line for line in console.export_text().splitlines() if "imports" in line)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == [
        "imports, 1/s",
        "8.0",
        "11.0",
        "0.73",
        "≥ 0.6 ×",
        "ok",
    ]


def test_percentiles_lie_between_their_neighbours() -> None:
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0
    assert 99 < percentile([float(n) for n in range(1, 101)], 99) < 100
    assert percentile([4.0], 99) == 4.0


async def test_calls_at_a_rate_do_not_wait_for_one_another() -> None:
    numbers, everybody = iter(range(5)), asyncio.Barrier(5)

    async def call() -> int:
        number = next(numbers)
        await everybody.wait()
        return number

    assert await at_rate(call, 5, per_second=1_000) == [0, 1, 2, 3, 4]
