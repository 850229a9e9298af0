"""What the demonstration shows: rows that move on a terminal, a line per change elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from deploy.local.showcase import Changed, Import


@contextmanager
def board(console: Console) -> Iterator[Changed]:
    """Yields what `import_all` calls."""
    if not console.is_terminal:
        yield lambda one: console.print(line(one), soft_wrap=True)
        return
    with Progress(*(_Column(name) for name in ("mark", "link", "stage")), BarColumn(20), *(
        _Column(name) for name in ("time", "error")
    ), console=console) as progress:  # fmt: skip
        tasks: dict[int, TaskID] = {}

        def changed(one: Import) -> None:
            if id(one) not in tasks:
                tasks[id(one)] = progress.add_task(one.link.url, total=100, one=one)
            progress.update(tasks[id(one)], completed=100 if one.outcome else one.progress)
            if one.outcome:
                progress.stop_task(tasks[id(one)])

        yield changed


class _Column(ProgressColumn):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def render(self, task: Task) -> Text:
        return cells(task.fields["one"], task.elapsed or 0)[self._name]


def cells(one: Import, elapsed: float) -> dict[str, Text]:
    """A row. Everything is plain text: nothing that an upstream wrote is taken for markup."""
    style, mark = ("yellow", "…") if not one.outcome else ("green", "✓") if one.as_expected else ("red", "✗")
    expected = " (as expected)" if one.error and one.outcome and one.as_expected else ""
    return {
        "mark": Text(mark, style),
        "link": Text(one.link.url.removeprefix("https://"), overflow="ellipsis", no_wrap=True),
        "stage": Text(_stage(one), style, no_wrap=True),
        "time": Text(f"{one.seconds or elapsed:5.1f} s"),
        "error": Text(one.error + expected, "" if one.as_expected else style, overflow="ellipsis", no_wrap=True),
    }


def line(one: Import) -> Text:
    row = cells(one, 0)
    words: list[Any] = [row["mark"], f"{one.progress:3d} %", f"{_stage(one):<26}", one.link.url]
    words += [f"{one.seconds:.1f} s"] if one.outcome else []
    words += [row["error"]] if one.error else []
    return Text("  ").join([word if isinstance(word, Text) else Text(word) for word in words])


def _stage(one: Import) -> str:
    return one.outcome or one.message or "Sent"
