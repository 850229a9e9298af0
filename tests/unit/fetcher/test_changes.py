"""What a sync brought that its source did not have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import pytest

from integrations.base import Skipped, SyncResult
from kit.errors import ContentNotFoundError
from records.sources.items import KnownItem, version
from records.sources.outcome import SyncOutcome, child_import
from schemas.content import Item
from schemas.events import SyncRequested, UpstreamStatus
from services.fetcher.changes import MAX_ENTRIES, outcome_of, outcome_of_problem
from services.fetcher.job import SyncJob

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CHANNEL = "https://youtube.com/channel/UC0000000000000000000000"
EVENT = SyncRequested(
    id=UUID(int=1), import_id=UUID(int=1), user_id="ada", url=CHANNEL, source_id=UUID(int=2), due_at=NOW
)


def url(video: str) -> str:
    return f"https://youtube.com/watch?v={video}"


def item(video: str = "a", title: str = "A title", **changed: Any) -> Item:
    facts = {"url": url(video), "kind": "video", "title": title, "full_name": title, **changed}
    return Item.model_validate({"integration": "youtube", "external_id": video, **facts})


def seen(*items: Item, state: str = "there") -> dict[str, KnownItem]:
    return {it.external_id: KnownItem(it.url, it.title, version(it), state) for it in items}


def job(known: dict[str, KnownItem], event: SyncRequested = EVENT, **source: Any) -> SyncJob:
    return SyncJob(event, {"cursor": {}, "connection": None, **source}, known, NOW, NOW)


def compare(result: SyncResult, known: dict[str, KnownItem] | None = None) -> SyncOutcome:
    return outcome_of(job(known or {}), replace(result, read_at=NOW))


def gone(known: dict[str, KnownItem], event: SyncRequested = EVENT, **source: Any) -> SyncOutcome:
    return outcome_of_problem(job(known, event, **source), ContentNotFoundError("Gone."), timedelta(days=7))


def outcomes(found: SyncOutcome) -> list[tuple[str, str]]:
    return [(entry["external_id"], entry["outcome"]) for entry in found.entries]


def test_what_is_new_is_handed_on_with_the_time_that_it_was_seen() -> None:
    found = compare(SyncResult(items=(item("a"), item("b"))), seen(item("a")))
    assert [(it.external_id, it.seen_at, it.formerly) for it in found.items] == [("b", NOW, None)]
    assert outcomes(found) == [("b", "requested"), ("a", "unchanged")]
    assert found.entries[0]["import_id"] == child_import(EVENT.id, "b")
    assert found.of_the_run == "changed"


def test_what_is_as_it_was_is_not_handed_on_whenever_it_was_seen() -> None:
    same = item("a", seen_at=NOW, formerly=url("z"))
    assert version(same) == version(item("a"))
    assert compare(SyncResult(items=(same,)), seen(item("a"))).of_the_run == "unchanged"


def test_any_other_difference_is_handed_on() -> None:
    for changed in (item("a", "Another title"), item("a", metadata={"view_count": 2}), item("a", is_private=True)):
        assert len(compare(SyncResult(items=(changed,)), seen(item("a"))).items) == 1


def test_what_moved_says_from_where() -> None:
    moved = item("a", url=url("new"))
    assert [it.formerly for it in compare(SyncResult(items=(moved,)), seen(item("a"))).items] == [url("a")]
    followed = compare(SyncResult(items=(moved,), url=url("new")))
    assert [it.formerly for it in followed.items] == [CHANNEL]


def test_what_cannot_be_had_is_told_with_its_reason() -> None:
    found = compare(SyncResult(skipped=(Skipped("a", url("a"), "Private video", "It is private."),)))
    assert (found.entries[0]["outcome"], found.entries[0]["reason"]) == ("skipped", "It is private.")
    assert found.of_the_run == "unchanged"


def test_only_standings_that_have_changed_are_told() -> None:
    known = seen(item("a"), item("b")) | seen(item("c"), state="gone")
    told: list[tuple[str, Literal["there", "gone"]]] = [("a", "gone"), ("b", "there"), ("c", "gone"), ("x", "gone")]
    standings = tuple(UpstreamStatus(url=url(video), state=state) for video, state in told)
    found = compare(SyncResult(standings=standings), known)
    assert found.standings == (UpstreamStatus(url=url("a"), external_id="a", state="gone"),)
    assert outcomes(found) == [("a", "gone"), ("c", "gone"), ("b", "unchanged")]


def test_what_was_gone_and_is_read_again_is_there() -> None:
    found = compare(SyncResult(items=(item("a"),)), seen(item("a"), state="gone"))
    assert (found.items, found.standings) == ((), (UpstreamStatus(url=url("a"), external_id="a", state="there"),))


def test_what_is_handed_on_needs_no_standing() -> None:
    known = seen(item("a"), state="gone")
    found = compare(
        SyncResult(items=(item("a", "New"),), standings=(UpstreamStatus(url=url("a"), state="there"),)), known
    )
    assert (len(found.items), found.standings) == (1, ())


def test_a_channel_that_is_gone_says_nothing_of_its_videos() -> None:
    found = gone(seen(item("a")))
    assert (found.items, found.entries, found.standings, found.of_the_run) == ((), (), (), "failed")


def test_a_thing_of_its_own_that_is_gone_is() -> None:
    event = EVENT.model_copy(update={"url": url("a")})
    found = gone(seen(item("a")), event)
    assert found.standings == (UpstreamStatus(url=url("a"), external_id="a", state="gone"),)


@pytest.mark.parametrize(("days", "state"), [(6, "gone"), (7, "private")])
def test_a_thing_that_is_gone_for_long_may_be_private(days: int, state: str) -> None:
    event = EVENT.model_copy(update={"url": url("a")})
    found = gone(seen(item("a"), state="gone"), event, gone_since=NOW - timedelta(days=days))
    assert (found.hidden, outcomes(found)) == (state == "private", [("a", state)])


def test_a_run_stays_small_and_counts_what_it_leaves_out_but_everything_is_handed_on() -> None:
    many = [item(f"v{n}") for n in range(MAX_ENTRIES + 10)]
    assert len(compare(SyncResult(items=tuple(many)), seen(*many)).entries) == MAX_ENTRIES
    found = compare(SyncResult(items=tuple(many)))
    assert (len(found.entries), len(found.items), found.left_out) == (MAX_ENTRIES, MAX_ENTRIES + 10, {"requested": 10})
    kept = found.without(["v0"])
    assert (kept.entries[0]["outcome"], kept.left_out) == ("skipped", found.left_out)


def test_what_has_not_changed_is_left_out_first() -> None:
    many = [item(f"v{n}") for n in range(MAX_ENTRIES + 10)]
    found = compare(SyncResult(items=tuple(many)), seen(*many[10:]))
    assert [entry["outcome"] for entry in found.entries].count("requested") == 10
    assert found.left_out == {"unchanged": 10}
