"""Followed collections: their items are imports of their own, and a parent task learns of them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest

from integrations.base import Integration, Ref, Skipped, SyncResult, SyncState
from integrations.credentials import Credentials
from integrations.links import WEB, Link
from integrations.registry import IntegrationRegistry
from kit.errors import ContentNotFoundError, ImportProblem, RateLimitError, UpstreamUnavailableError
from kit.mongo import Document
from kit.upstream import Upstream
from records import batches
from records.sources.outcome import child_import
from records.sources.record import SourceState, sync_requested
from schemas.content import Item
from schemas.events import UpstreamStatus
from tests.e2e.sync.conftest import Emitted, Rig

URL = "https://shelf.example/ada"


@dataclass
class Shelf(Integration[Any, Any]):
    """Shows what it is told to, and remembers how it was asked."""

    name: ClassVar = "shelf"
    title: ClassVar = "Shelf"
    supports_auto_sync: ClassVar = True
    found: SyncResult = field(default_factory=SyncResult)
    problem: Exception | None = None
    meanwhile: Callable[[], Awaitable[None]] | None = None  # what happens during a sync
    asked: list[tuple[SyncState, int, bool]] = field(default_factory=list)

    @property
    def bases(self) -> tuple[str, ...]:
        return ()

    schemes = WEB

    def owns(self, link: Link) -> bool:
        return True

    def parse(self, link: Link) -> Ref:
        return Ref(URL, "ada")

    async def read(self, ref: Ref, client: object) -> Item:
        raise NotImplementedError

    async def sync(
        self, ref: Ref, http: Upstream, credentials: Credentials, state: SyncState, max_items: int
    ) -> SyncResult:
        self.asked.append((state, max_items, credentials.interactive))
        if self.meanwhile:
            await self.meanwhile()
        if self.problem:
            raise self.problem
        return self.found


def books(*names: str) -> tuple[Item, ...]:
    facts = {"integration": "shelf", "kind": "book", "full_name": "A book"}
    return tuple(Item.model_validate({**facts, "external_id": it, "title": it, "url": f"{URL}/{it}"}) for it in names)


@pytest.fixture
def shelf(rig: Rig) -> Shelf:
    shelf = Shelf()
    rig.use(IntegrationRegistry([shelf]))
    return shelf


async def waited_for(rig: Rig, max_items: int = 50) -> tuple[Document, UUID]:
    """A source that a member follows just now, and the task that they read."""
    task_id = uuid4()
    listing = batches.listing(task_id=task_id, user_id="ada", integration="shelf", url=URL, now=rig.now)
    await rig.db.batches.insert_one(dict(listing))
    return await rig.follow(URL, task_id=task_id, max_items=max_items), task_id


async def task(rig: Rig, task_id: UUID) -> Document:
    found = await rig.db.batches.find_one({"_id": task_id})
    assert found is not None
    return found


def ids(emitted: Emitted) -> Sequence[str]:
    return [event.item.external_id for event in emitted.fetched]


async def test_a_task_learns_its_children_and_what_was_skipped(rig: Rig, shelf: Shelf) -> None:
    lent = Skipped("c", f"{URL}/c", "c", "It is lent.")
    lost = Skipped("d", f"{URL}/d", "d", "It is lost.", suggestion="Forget it.")
    shelf.found = SyncResult(books("a", "b"), (lent, lost), cursor={"page": 1})
    source, task_id = await waited_for(rig, 20)
    event = sync_requested(source)
    emitted = Emitted(await rig.sync(event))
    assert ids(emitted) == ["a", "b"]
    assert shelf.asked == [(SyncState(), 20, True)]
    parent = await task(rig, task_id)
    assert parent["children"] == [{"url": f"{URL}/{it}", "task_id": child_import(event.id, it)} for it in ("a", "b")]
    assert [(it["url"], it["error"], it["suggestion"]) for it in parent["refused"]] == [
        (f"{URL}/c", "It is lent.", "Nothing to do: it is imported automatically once it is visible."),
        (f"{URL}/d", "It is lost.", "Forget it."),
    ]
    records = await rig.db.imports.find({}).sort("url", 1).to_list()
    assert [it["_id"] for it in records] == [it["task_id"] for it in parent["children"]]
    assert await rig.sync(event) == emitted.events
    assert await task(rig, task_id) == parent


async def test_the_next_sync_knows_what_was_handed_on_and_nobody_waits_for_it(rig: Rig, shelf: Shelf) -> None:
    shelf.found = SyncResult(books("a", "b"), cursor={"page": 1})
    source, _ = await waited_for(rig)
    await rig.sync_source(source)
    shelf.found = SyncResult(books("c"), standings=(UpstreamStatus(url=f"{URL}/a", state="gone"),), cursor={"page": 2})
    emitted = await rig.sync_source(source)
    assert shelf.asked[-1] == (SyncState(frozenset({"a", "b"}), {"page": 1}), 50, False)
    assert (ids(emitted), emitted.standings) == (["c"], [UpstreamStatus(url=f"{URL}/a", external_id="a", state="gone")])
    assert emitted.synced[0].items_found == 3
    assert (await rig.source(source))["cursor"] == {"page": 2}
    run = await rig.run(source)
    assert {it["external_id"]: it["outcome"] for it in run["items"]} == {"c": "requested", "a": "gone"}


async def test_a_task_ends_with_the_error_of_its_listing(rig: Rig, shelf: Shelf) -> None:
    shelf.problem = ContentNotFoundError("There is no such shelf.")
    source, task_id = await waited_for(rig)
    assert (await rig.sync_source(source)).events == []
    assert (await task(rig, task_id))["error"]["error"] == "There is no such shelf."
    assert (await rig.source(source))["state"] == SourceState.GONE


async def test_a_limit_keeps_the_task_waiting(rig: Rig, shelf: Shelf) -> None:
    source, task_id = await waited_for(rig)
    shelf.problem = RateLimitError("Shelf's limit resets at 14:00 UTC.", retry_at=rig.now)
    await rig.sync_source(source)
    parent = await task(rig, task_id)
    source = await rig.source(source)
    assert (parent["state"], parent["retry_at"]) == ("processing", source["next_sync_at"])
    assert parent["message"].startswith("Shelf's limit resets at 14:00 UTC. Next try at ")
    assert source["next_sync_at"] <= rig.now + timedelta(minutes=1), "as short as the limit"
    assert (source["state"], source["next_reason"], source["task_id"]) == ("ok", "limit", task_id)
    shelf.problem, shelf.found = None, SyncResult(books("a"))
    await rig.sync_source(source)
    parent = await task(rig, task_id)
    assert (len(parent["children"]), "retry_at" in parent) == (1, False)


@pytest.mark.parametrize("again", [RateLimitError, UpstreamUnavailableError])
async def test_a_task_that_has_waited_long_enough_says_how_to_go_on(
    rig: Rig, shelf: Shelf, again: type[ImportProblem]
) -> None:
    source, task_id = await waited_for(rig)
    shelf.problem = again("Not now.", retry_at=rig.now)
    while (await rig.source(source))["task_id"] == task_id:
        await rig.sync_source(source)
    parent = await task(rig, task_id)
    assert (parent["state"], parent["error"]["action"]) == ("failed", "retry")
    assert "retry_at" not in parent["error"]
    assert "by itself when the limit" not in parent["error"]["suggestion"]
    assert (await rig.source(source))["next_sync_at"] is not None, "it is still followed"


async def test_a_listing_that_failed_forgets_and_marks_nothing(rig: Rig, shelf: Shelf) -> None:
    shelf.found = SyncResult(books("a"), cursor={"page": 1})
    source = await rig.follow(URL)
    await rig.sync_source(source)
    shelf.problem = UpstreamUnavailableError("Shelf is not available.")
    assert (await rig.sync_source(source)).events == []
    source, run = await rig.source(source), await rig.run(source)
    assert (source["state"], source["failures"], source["cursor"]) == ("failing", 1, {"page": 1})
    assert (run["outcome"], run["items"], run["error"]["error"]) == ("failed", [], "Shelf is not available.")
    shelf.problem = None
    assert (await rig.sync_source(source)).fetched == []
