"""What a sync brought that its source did not have. Pure."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from integrations.base import SyncResult
from kit.mongo import Document
from records.sources.sync_runs import ItemOutcome, RunOutcome, child_import, item
from schemas.content import Item
from schemas.events import SyncRequested, UpstreamStatus

MAX_ENTRIES = 1_000  # of a run; beyond them it only tells how many there were

_STANDS = {"there": ItemOutcome.UNCHANGED, "gone": ItemOutcome.GONE, "private": ItemOutcome.PRIVATE}
_DELETED = {
    "reason": "You deleted the project of this item.",
    "suggestion": "Import the item by its own link to get the project back.",
}


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item that the source has handed on, as it was then; `state` is how it stood when it was synced last."""

    url: str
    title: str
    version: str
    state: str
    import_id: UUID | None = None  # the last one that handed it on


@dataclass(frozen=True, slots=True)
class Changes:
    items: tuple[Item, ...] = ()  # to be handed on: new, or not as they were
    entries: tuple[Document, ...] = ()  # for the run
    standings: tuple[UpstreamStatus, ...] = ()  # that are not as they were, of items that are not handed on
    left_out: Mapping[str, int] = field(default_factory=dict)  # of the entries, by outcome

    def without(self, deleted: Collection[str]) -> "Changes":
        """Not handing on what its owner has deleted here, by external id."""
        items = tuple(it for it in self.items if it.external_id not in deleted)
        entries = [
            {**item(ItemOutcome.SKIPPED, one["external_id"], one["url"], one["title"]), **_DELETED}
            if one["external_id"] in deleted and one["outcome"] == ItemOutcome.REQUESTED
            else one
            for one in self.entries
        ]
        return replace(self, items=items, entries=tuple(entries))

    @property
    def outcome(self) -> RunOutcome:
        return RunOutcome.CHANGED if self.items or self.standings else RunOutcome.UNCHANGED


def version(item: Item) -> str:
    """Of all that an item says, but not of when it said so."""
    return hashlib.sha256(item.model_dump_json(exclude={"seen_at", "formerly"}).encode()).hexdigest()[:32]


def changes(event: SyncRequested, result: SyncResult, seen: Mapping[str, KnownItem], seen_at: datetime) -> Changes:
    """`seen` are the items that the source has handed on, by their external id."""
    new = [it for it in result.items if it.external_id not in seen or version(it) != seen[it.external_id].version]
    items = tuple(
        it.model_copy(update={"seen_at": seen_at, "formerly": _formerly(event, result, seen, it)}) for it in new
    )
    handed_on = {it.external_id for it in items}
    by_url = {known.url: (external_id, known) for external_id, known in seen.items()}
    entries: list[Document] = [
        item(ItemOutcome.REQUESTED, it.external_id, it.url, it.title, import_id=child_import(event.id, it.external_id))
        for it in items
    ]
    entries += [
        item(ItemOutcome.SKIPPED, it.external_id, it.url, it.title, reason=it.reason, suggestion=it.suggestion)
        for it in result.skipped
    ]
    standings: dict[str, UpstreamStatus] = {}
    for standing in _standings(result):
        external_id, known = by_url.get(standing.url, ("", None))
        if known is None or external_id in handed_on or standing.url in standings:
            continue
        standings[standing.url] = standing.model_copy(update={"external_id": external_id})
        entries.append(item(_STANDS[standing.state], external_id, known.url, known.title))
    told = tuple(it for it in standings.values() if by_url[it.url][1].state != it.state)
    entries.sort(key=lambda entry: entry["outcome"] == ItemOutcome.UNCHANGED)  # what changed comes first
    left_out = Counter(str(entry["outcome"]) for entry in entries[MAX_ENTRIES:])
    return Changes(items, tuple(entries[:MAX_ENTRIES]), told, left_out)


def gone(event: SyncRequested, seen: Mapping[str, KnownItem], *, hidden: bool = False) -> Changes:
    """Nothing stands at the source's own link any more. What it has listed stands as before. `hidden` where that has
    been so for long: upstreams do not tell what was deleted from what became private, and so it counts as that."""
    standing = UpstreamStatus(url=event.url, state="private" if hidden else "gone")
    return changes(event, SyncResult(standings=(standing,)), seen, event.due_at)


def _standings(result: SyncResult) -> Iterator[UpstreamStatus]:
    """What was read is there, whatever else is said of it."""
    for it in result.items:
        yield UpstreamStatus(url=it.url, state="private" if it.is_private else "there")
    yield from result.standings


def _formerly(event: SyncRequested, result: SyncResult, seen: Mapping[str, KnownItem], it: Item) -> str | None:
    """Its link before: as it was handed on, or as it was followed."""
    followed = event.url if result.url == it.url else it.url
    before = seen[it.external_id].url if it.external_id in seen else followed
    return before if before != it.url else None
