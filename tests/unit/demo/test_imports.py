"""The demonstration follows its imports over HTTP, and knows which of them ended as they should."""

import json
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import httpx2
import pytest
from rich.console import Console

from demo.imports import DUPLICATE, PRIVATE, UNFINISHED, Import, demo_links, import_all
from demo.table import board
from sandbox.links import COMPLETED, NOT_FOUND, Link

LINK = Link("https://github.com/ada/engine")
ACCEPTED = httpx2.Response(202, json={"events_url": "/events/"})
STARTED = {"status": "processing", "progress": 35, "message": "Analysing the content", "stage": "content.fetched"}
FINISHED = {"status": "completed", "progress": 100, "message": "Ready", "result": {"project_id": "1"}}
FAILED = {"status": "failed", "progress": 10, "error": "There is no such thing.", "error_code": "CONTENT_NOT_FOUND"}


def stream(*states: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(
        200, text=": ping\n\n" + "".join(f"event: status\ndata: {json.dumps(it)}\n\n" for it in states)
    )


class Gateway:
    """Answers a POST with `accepted`, and each request for the stream with the next of `streams`."""

    def __init__(self, accepted: httpx2.Response, *streams: httpx2.Response | Exception) -> None:
        self._accepted = accepted
        self._streams = iter(streams)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            assert json.loads(request.content) == {"url": LINK.url}
            return self._accepted
        answer = next(self._streams)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def imported(
    gateway: Gateway, link: Link = LINK, changed: Callable[[Import], None] = lambda _one: None, seconds: float = 60
) -> Import:
    async with httpx2.AsyncClient(base_url="http://gateway", transport=httpx2.MockTransport(gateway)) as client:
        (one,) = await import_all(client, [link], changed, seconds)
        return one


async def test_every_change_is_shown_up_to_the_project() -> None:
    seen: list[tuple[int, str]] = []
    one = await imported(
        Gateway(ACCEPTED, stream(STARTED, FINISHED)), changed=lambda it: seen.append((it.progress, it.outcome))
    )
    assert seen == [(0, ""), (35, ""), (100, COMPLETED)]
    assert (one.as_expected, one.project_id) == (True, "1")


async def test_a_stream_that_breaks_is_opened_again() -> None:
    one = await imported(Gateway(ACCEPTED, stream(STARTED), httpx2.ReadError("gone"), stream(FINISHED)))
    assert one.outcome == COMPLETED


@pytest.mark.parametrize(("wanted", "right"), [(COMPLETED, False), (NOT_FOUND, True), ("failed:RATE_LIMIT", False)])
async def test_a_failure_is_right_where_that_very_one_is_expected(wanted: str, right: bool) -> None:
    one = await imported(Gateway(ACCEPTED, stream(FAILED)), Link(LINK.url, wanted))
    assert (one.outcome, one.error, one.as_expected) == (NOT_FOUND, "There is no such thing.", right)


async def test_what_is_in_the_portfolio_already_is_right_too() -> None:
    one = await imported(Gateway(httpx2.Response(409, json={"error_code": "DUPLICATE_IMPORT"})))
    assert (one.outcome, one.as_expected) == (DUPLICATE, True)


async def test_a_refused_link_is_wrong() -> None:
    one = await imported(Gateway(httpx2.Response(400, json={"error_code": "INVALID_URL", "error": "No."})))
    assert (one.outcome, one.error, one.as_expected) == ("failed:INVALID_URL", "No.", False)


async def test_what_does_not_end_is_unfinished_and_wrong() -> None:
    one = await imported(Gateway(ACCEPTED, *[httpx2.ReadError("gone")] * 1_000), seconds=0.01)
    assert (one.outcome, one.as_expected) == (UNFINISHED, False)


def test_a_dozen_links_and_a_private_one_succeed_and_two_fail() -> None:
    assert [link.outcome for link in demo_links()] == [COMPLETED] * 13 + [NOT_FOUND] * 2
    assert PRIVATE in demo_links()


def test_links_and_errors_are_whole_at_80_columns_and_no_failure_is_green() -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=True, width=80, color_system="standard")
    link = "https://github.com/an-owner-with-a-rather-long-name/a-repository-with-a-long-name-too"
    error = "GitHub has no such repository, or it is private and nobody who may see it has connected an account."
    with board(console) as changed:
        changed(Import(Link(link, NOT_FOUND), outcome=NOT_FOUND, error=error))
        changed(Import(LINK, outcome=COMPLETED))
    shown = output.getvalue()
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    left = "".join(row[2:50].strip() + " " for row in plain.splitlines())
    assert link.removeprefix("https://") in left.replace(" ", "")
    assert error.replace(" ", "") in left.replace(" ", "")
    failed = next(row for row in shown.splitlines() if "failed, as expected" in row)
    assert "\x1b[32m" not in failed, "no failure is green"
    assert "\x1b[33m" in failed


@pytest.mark.parametrize("terminal", [True, False])
def test_what_an_upstream_wrote_is_shown_and_never_taken_for_markup(terminal: bool) -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=terminal, width=200, color_system=None)
    one = Import(LINK, outcome="failed:X", error="[bold]no[/bold] [link=https://evil.example]\x1b]0;title\x07")
    with board(console) as changed:
        changed(one)
    assert "[bold]no[/bold] [link=https://evil.example]" in output.getvalue()
    assert "\x07" not in output.getvalue()
