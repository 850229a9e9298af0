"""What the demonstration shows: rows that move on a terminal, a line per change elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from demo.imports import DUPLICATE, Changed, Import
from sandbox.links import COMPLETED

TICK = 4  # redraws a second: a long wait shows its seconds


@contextmanager
def board(console: Console) -> Iterator[Changed]:
    """Yields what `import_all` calls."""
    if not console.is_terminal:
        yield lambda one: console.print(line(one), soft_wrap=True)
        return
    rows: dict[int, Import] = {}

    def table() -> Table:
        grid = Table.grid(Column(width=1), Column(ratio=1), Column(width=21), Column(width=7), padding=(0, 1, 0, 0))
        for one in rows.values():
            grid.add_row(mark(one), what(one), Text(stage(one), style(one)), Text(f"{seconds(one):5.1f} s"))
        grid.expand = True
        return grid

    with Live(get_renderable=table, console=console, refresh_per_second=TICK, vertical_overflow="visible"):
        yield lambda one: rows.update({id(one): one})


def mark(one: Import) -> Text:
    sign = "…" if not one.outcome else "✓" if one.outcome in (COMPLETED, DUPLICATE) else "✗"
    return Text(sign, style(one))


def style(one: Import) -> str:
    """A failure is never green, also where it is expected."""
    if not one.outcome:
        return "cyan"
    if not one.as_expected:
        return "red"
    return "green" if one.outcome in (COMPLETED, DUPLICATE) else "yellow"


def what(one: Import) -> Text:
    """The link, and below it the error, both whole. Plain text: nothing that an upstream wrote is taken for markup."""
    text = Text(one.link.url.removeprefix("https://"), overflow="fold")
    return text.append(f"\n{one.error}", "dim") if one.error else text


def stage(one: Import) -> str:
    if one.error and one.outcome and one.as_expected:
        return "failed, as expected"
    return one.outcome or one.message or "Sent"


def seconds(one: Import) -> float:
    return one.seconds or time.monotonic() - one.started


def line(one: Import) -> Text:
    words: list[str | Text] = [mark(one), f"{one.progress:3d} %", f"{stage(one):<26}", one.link.url]
    words += [f"{one.seconds:.1f} s"] if one.outcome else []
    words += [one.error] if one.error else []
    return Text("  ").join([word if isinstance(word, Text) else Text(word) for word in words])
