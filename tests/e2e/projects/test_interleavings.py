"""Edits, upstream changes, syncs, redeliveries and replays in random order, some of them at once: edits win, what is
not edited is fresh, and every order ends alike. On a real MongoDB, through the gateway and the writer's store."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.mongo import Database, Document
from records.projects import SHOWN_TO_ALL, project_id
from schemas.content import Analysis, Item
from schemas.events import ContentAnalyzed, Options, SourceSynced, UpstreamStatus
from services.transformer.handler import transform
from services.writer.store import ProjectStore
from tests.e2e.projects.drafts import OLD, hour
from tests.unit.gateway.support import FakeBroker, bearer, client_of, gateway_app
from tests.unit.gateway.support import settings as gateway_settings

EDITABLE = ("title", "description", "is_private", "is_showcase")
WORDS = st.sampled_from(["Engine", "$title", "$$ROOT", "a.b", "Ünïcode", "{}"])


@dataclass(frozen=True)
class Reading:
    """The upstream as it was in an hour; delivered once and more."""

    at: int
    title: str
    description: str
    is_private: bool
    wanted_private: bool
    import_id: UUID

    def event(self, user_id: str) -> ContentAnalyzed:
        item = Item(
            integration="github", external_id="1", url=OLD, kind="github_repo", title=self.title, full_name="a/b",
            is_private=self.is_private, seen_at=hour(self.at),
        )  # fmt: skip
        analysis = Analysis(description=self.description, source="extractive")
        return ContentAnalyzed(
            id=self.import_id, import_id=self.import_id, user_id=user_id, url=OLD, item=item, analysis=analysis,
            options=Options(is_private=self.wanted_private),
        )  # fmt: skip


@dataclass(frozen=True)
class Sync:
    at: int
    state: str

    def event(self, user_id: str) -> SourceSynced:
        standing = UpstreamStatus.model_validate({"url": OLD, "state": self.state})
        return SourceSynced(
            id=uuid4(), import_id=uuid4(), user_id=user_id, url=OLD, source_id=uuid4(), items_found=1,
            synced_at=hour(self.at), standings=(standing,),
        )  # fmt: skip


Edit = dict[str, Any]


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    hours = draw(st.lists(st.integers(0, 50).map(lambda n: 2 * n), min_size=1, max_size=5, unique=True))
    return [
        Reading(
            at, f"{draw(WORDS)} {at}", f"{draw(WORDS)} of {at}", draw(st.booleans()),
            draw(st.sampled_from([False, False, False, True])), UUID(int=at),
        )
        for at in hours
    ]  # fmt: skip


LOOKS = st.lists(
    st.builds(Sync, st.integers(0, 50).map(lambda n: 2 * n + 1), st.sampled_from(["there", "gone", "private"])),
    max_size=3, unique_by=lambda sync: sync.at,
)  # fmt: skip
EDITS = st.lists(
    st.fixed_dictionaries({}, optional={
        "title": st.none() | WORDS, "description": st.none() | WORDS,
        "is_private": st.booleans(), "is_showcase": st.booleans(),
    }),
    max_size=4,
)  # fmt: skip


def expected(readings: Sequence[Reading], syncs: Sequence[Sync], edits: Sequence[Edit]) -> Document:
    """Said without regard to any order but that of the owner's edits among themselves."""
    newest = max(readings, key=lambda sight: sight.at)
    stands = {sight.at: "private" if sight.is_private else "there" for sight in readings}
    stands |= {sync.at: sync.state for sync in syncs}
    was_private = [at for at in stands if stands[at] == "private"]
    was_public = [at for at in stands if stands[at] == "there"]
    hidden = max(was_private, default=-1) > max(was_public, default=-1)  # whatever is gone since
    state: Document = {
        "title": newest.title, "description": newest.description, "is_showcase": True,
        "is_private": any(sight.wanted_private for sight in readings),
    }  # fmt: skip
    edited = last_words(edits)
    return {
        **state, **edited, "shown": not hidden and not {**state, **edited}["is_private"],
        "edited": sorted(edited), "seen_at": hour(newest.at), "source_state": stands[max(stands)],
        "upstream": {"title": newest.title, "description": newest.description},
    }  # fmt: skip


def last_words(edits: Sequence[Edit]) -> Edit:
    """What the owner wrote last and did not give back."""
    said: Edit = {}
    for edit in edits:
        said |= edit
    return {field: value for field, value in said.items() if value is not None}


class World:
    def __init__(self, db: Database, client: httpx2.AsyncClient, user_id: str) -> None:
        self._db = db
        self._store = ProjectStore(db)
        self._client = client
        self._user_id = user_id
        self._project = project_id(user_id, OLD, "github", "1")
        self._edits: list[Edit] = []

    async def run(self, steps: Sequence[Sequence[Reading | Sync | Edit]]) -> Document:
        """Each step's events and edits at once, its edits in turn. Checks after each that edits have won."""
        for step in steps:
            edits = [one for one in step if isinstance(one, dict)]
            await asyncio.gather(self._edit(edits), *(self._deliver(one) for one in step if not isinstance(one, dict)))
            stored = await self._stored()
            said = last_words(self._edits)
            assert {field: stored[field] for field in said} == said
        stored = await self._stored()
        shown = {*EDITABLE, "seen_at", "source_state", "upstream"}
        end = {field: stored[field] for field in shown}
        seen_by_all = await self._db.projects.count_documents({"user_id": self._user_id, **SHOWN_TO_ALL})
        return {**end, "edited": sorted(stored.get("edited", ())), "shown": seen_by_all == 1}

    async def _deliver(self, one: Reading | Sync) -> None:
        if isinstance(one, Reading):
            await self._store.save(transform(one.event(self._user_id)))
        else:
            await self._store.apply_statuses(one.event(self._user_id))

    async def _edit(self, edits: Sequence[Edit]) -> None:
        for edit in edits:
            answer = await self._client.patch(f"/api/v1/projects/{self._project}/", json=edit)
            assert answer.status_code == 200, answer.text
            self._edits.append(edit)

    async def _stored(self) -> Document:
        (stored,) = await self._db.projects.find({"user_id": self._user_id}).to_list()
        return dict(stored)


def shuffled(
    rng: random.Random, readings: Sequence[Reading], syncs: Sequence[Sync], edits: Sequence[Edit]
) -> list[list[Reading | Sync | Edit]]:
    """First any sight, as nothing can be edited before; then everything, each event and some again, in steps of some
    at once. Edits keep their order."""
    line: list[Reading | Sync | Edit] = [*readings, *syncs]
    line += rng.choices(line, k=2 * len(line))
    rng.shuffle(line)
    places = sorted(rng.randint(0, len(line)) for _ in edits)
    for place, edit in zip(reversed(places), reversed(edits), strict=True):
        line.insert(place, edit)
    steps: list[list[Reading | Sync | Edit]] = [[rng.choice(readings)]]
    while line:
        count = rng.randint(1, 4)
        steps.append(line[:count])
        line = line[count:]
    return steps


@given(readings(), LOOKS, EDITS, st.lists(st.randoms(use_true_random=False), min_size=2, max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_edits_win_the_rest_is_fresh_and_every_order_ends_alike(
    db: Database, readings: list[Reading], syncs: list[Sync], edits: list[Edit], orders: list[random.Random]
) -> None:
    app = gateway_app(gateway_settings(), db, FakeBroker().publish)
    for rng in orders:
        name = f"ada-{uuid4().hex}"
        async with client_of(app, **bearer(name)) as client:
            end = await World(db, client, f"user-{name}").run(shuffled(rng, readings, syncs, edits))
        assert end == expected(readings, syncs, edits)
