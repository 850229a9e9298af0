"""What the upstream's own id makes of links that move, on a real MongoDB: the same thing is one project by whichever
link it comes, and a name that goes to another thing is another project."""

import asyncio
import random
from collections.abc import Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.mongo import Database, Document
from schemas.events import ProjectDrafted
from services.writer.store import ProjectStore, Saved
from tests.e2e.projects.drafts import NEW, OLD, draft, hour, source_synced

LINKS = [f"https://github.com/ada/{name}" for name in ("oar", "sail", "keel")]


def seen(thing: int | str, url: str, at: int, **changes: Any) -> ProjectDrafted:
    return draft(at, url, external_id=str(thing), **{"title": f"{thing} at {at}", **changes})


async def save(store: ProjectStore, *events: ProjectDrafted) -> list[Saved]:
    return [await store.save(event) for event in events]


async def links(db: Database) -> dict[str, str | None]:
    """By the upstream's id. No link is held twice, as the index says."""
    found = await db.projects.find().to_list()
    assert len({one.get("external_id") for one in found}) == len(found)
    return {one.get("external_id", ""): one.get("url") for one in found}


async def test_a_repository_that_was_renamed_is_the_same_project_by_its_new_link(
    db: Database, store: ProjectStore
) -> None:
    first, second, third = await save(store, seen(77, OLD, 1), seen(77, NEW, 2), seen(77, NEW, 3))
    assert (first.id, first.slug) == (second.id, second.slug) == (third.id, third.slug)
    assert [one.created for one in (first, second, third)] == [True, False, False], "points are for what is made"
    (project,) = await db.projects.find().to_list()
    assert (project["url"], project["external_url"], project["title"]) == (NEW, NEW, "77 at 3")
    assert [former["url"] for former in project["former_links"]] == [OLD]


async def test_sights_by_both_links_are_one_project_in_every_order(db: Database, store: ProjectStore) -> None:
    events = [seen(77, OLD, 1), seen(77, OLD, 2), seen(77, NEW, 3), seen(77, NEW, 4, formerly=OLD)]
    for order in permutations(events):
        saved = await save(store, *order, *order)
        assert await links(db) == {"77": NEW}
        assert len({one.id for one in saved}) == 1
        assert [one.created for one in saved].count(True) == 2, "the one that made it, and its redelivery"
        await db.projects.delete_many({})


async def test_sights_by_both_links_at_the_same_moment_are_one_project(db: Database) -> None:
    for _ in range(20):
        stores = [ProjectStore(db) for _ in range(4)]
        events = [seen(77, link, at) for at, link in enumerate([OLD, NEW] * 4)]
        saved = await asyncio.gather(*(stores[place % 4].save(event) for place, event in enumerate(events)))
        assert await links(db) == {"77": NEW}
        assert len({one.id for one in saved}) == 1
        assert [one.created for one in saved].count(True) == 1
        await db.projects.delete_many({})


async def test_a_name_that_goes_to_another_thing_is_another_project(db: Database, store: ProjectStore) -> None:
    events = [seen(77, OLD, 1), seen(99, OLD, 2), seen(77, NEW, 3), seen(99, OLD, 4)]
    for order in permutations(events):
        await save(store, *order, *order)
        assert await links(db) == {"77": NEW, "99": OLD}
        titles = {one["external_id"]: one["title"] async for one in db.projects.find()}
        assert titles == {"77": "77 at 3", "99": "99 at 4"}
        await db.projects.delete_many({})


async def test_until_it_is_seen_elsewhere_what_lost_its_name_has_no_link(db: Database, store: ProjectStore) -> None:
    first, second = await save(store, seen(77, OLD, 1), seen(99, OLD, 2))
    assert first.id != second.id
    assert await links(db) == {"77": None, "99": OLD}
    (late,) = await save(store, seen(77, OLD, 1))
    assert (late.id, await links(db)) == (first.id, {"77": None, "99": OLD}), "it came too late for the name"
    project = await db.projects.find_one({"external_id": "77"}) or {}
    assert [former["url"] for former in project["former_links"]] == [OLD]


async def test_two_that_swap_their_names_stay_two(db: Database, store: ProjectStore) -> None:
    events = [seen(77, OLD, 1), seen(99, NEW, 1), seen(77, NEW, 3), seen(99, OLD, 4)]
    for order in permutations(events):
        await save(store, *order)
        assert await links(db) == {"77": NEW, "99": OLD}
        await db.projects.delete_many({})


@pytest.mark.parametrize("without", [{"external_id": ""}, {"external_id": "", "platform": None}])
async def test_a_producer_that_knows_no_id_tells_of_what_stands_at_the_link(
    db: Database, store: ProjectStore, without: dict[str, Any]
) -> None:
    for order in permutations([draft(1, **without), seen(77, OLD, 2), draft(3, **without), seen(77, NEW, 4)]):
        if order[-1].project.seen_at != hour(4):
            continue
        saved = await save(store, *order)
        assert await links(db) == {"77": NEW}
        assert len({one.id for one in saved}) == 1
        await db.projects.delete_many({})


async def test_without_ids_the_link_alone_tells(db: Database, store: ProjectStore) -> None:
    first, second, again = await save(store, draft(1), draft(1, NEW), draft(2))
    assert first.id == again.id != second.id
    assert not await db.projects.count_documents({"external_id": {"$exists": True}})


async def test_an_id_is_one_platforms_own(db: Database, store: ProjectStore) -> None:
    ours, theirs = await save(store, seen(77, OLD, 1), seen(77, NEW, 2, platform="gitlab"))
    assert ours.id != theirs.id
    (same,) = await save(store, seen("a-7", OLD, 3, platform="crawler"))
    assert same.id == ours.id, "ids of two platforms cannot be compared, so the link tells"
    kept = await db.projects.find_one({"_id": ours.id}) or {}
    assert (kept["platform"], kept["external_id"], kept["title"]) == ("github", "77", "a-7 at 3")


async def test_an_id_is_one_members_own(db: Database, store: ProjectStore) -> None:
    mine, hers = await save(store, seen(77, OLD, 1), seen(77, NEW, 2).model_copy(update={"user_id": "bob"}))
    assert mine.id != hers.id
    assert [one["url"] async for one in db.projects.find({"user_id": "ada"})] == [OLD]


@pytest.mark.parametrize("hostile", ["$user_id", "$$ROOT", "7 7", "7/7", "%2F", "x" * 200, "\N{CHESTNUT}"])
async def test_an_id_is_only_ever_compared(db: Database, store: ProjectStore, hostile: str) -> None:
    saved = await save(store, seen(hostile, OLD, 1), seen(hostile, NEW, 2), seen(77, OLD, 3))
    assert saved[0].id == saved[1].id != saved[2].id
    assert await links(db) == {hostile: NEW, "77": OLD}


async def test_how_a_thing_stands_is_told_by_its_id(db: Database, store: ProjectStore) -> None:
    await save(store, seen(77, OLD, 1), seen(99, OLD, 2))
    told = source_synced(3, "private", OLD)
    standing = told.standings[0].model_copy(update={"external_id": "77"})
    await store.apply_statuses(told.model_copy(update={"platform": "github", "standings": (standing,)}))
    states = {one["external_id"]: one["source_state"] async for one in db.projects.find()}
    assert states == {"77": "private", "99": "there"}, "not of what has its name now"


async def test_many_written_together_find_their_places(db: Database, store: ProjectStore) -> None:
    things = range(40)
    await asyncio.gather(*(store.save(seen(it, f"https://github.com/ada/{it}", 1)) for it in things))
    moved = [seen(it, f"https://github.com/ada/{(it + 1) % 40}", 2 + it) for it in things]
    saved = await asyncio.gather(*(store.save(event) for event in moved))
    assert not any(one.created for one in saved)
    assert await links(db) == {str(it): f"https://github.com/ada/{(it + 1) % 40}" for it in things}


async def test_lookups_by_link_and_by_id_use_their_indexes(db: Database, store: ProjectStore) -> None:
    await save(store, seen(77, OLD, 1))
    for query, index in (
        ({"user_id": "ada", "url": OLD}, "one_per_link"),
        ({"user_id": "ada", "url": {"$in": [OLD, NEW]}}, "one_per_link"),
        ({"$or": [{"user_id": "ada", "url": OLD}, {"user_id": "bob", "url": NEW}]}, "one_per_link"),
        ({"user_id": "ada", "platform": "github", "external_id": "77"}, "one_per_thing"),
        ({"user_id": "ada", "platform": "github", "external_id": {"$in": ["77", "99"]}}, "one_per_thing"),
    ):
        plan = str((await db.projects.find(query).explain())["queryPlanner"]["winningPlan"])
        assert index in plan, query
        assert "COLLSCAN" not in plan


SIGHTS = st.lists(
    st.tuples(st.sampled_from([77, 88, 99]), st.sampled_from(LINKS), st.integers(0, 30)),
    min_size=1, max_size=8, unique_by=lambda sight: sight[2],
)  # fmt: skip


@given(SIGHTS, st.randoms(use_true_random=False))
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_whatever_moves_in_whatever_order_each_thing_is_one_project(
    db: Database, sights: list[tuple[int, str, int]], rng: random.Random
) -> None:
    await db.projects.delete_many({})
    events = [seen(*sight) for sight in sights]
    line = events + rng.choices(events, k=len(events))
    rng.shuffle(line)
    stores = ProjectStore(db), ProjectStore(db)
    made: dict[UUID, Saved] = {}
    while line:
        some, line = line[:3], line[3:]
        saved = await asyncio.gather(*(stores[at % 2].save(event) for at, event in enumerate(some)))
        made |= {event.import_id: one for event, one in zip(some, saved, strict=True) if one.created}
    check(await db.projects.find().to_list(), sights)
    assert len({one.id for one in made.values()}) == len(made) == await db.projects.count_documents({})


def check(projects: Sequence[Document], sights: Sequence[tuple[int, str, int]]) -> None:
    """One for each thing, as it was seen last; at its link, unless another has been seen there since."""
    assert sorted(one["external_id"] for one in projects) == sorted({str(thing) for thing, _, _ in sights})
    for one in projects:
        thing = int(one["external_id"])
        at, link = max((at, link) for it, link, at in sights if it == thing)
        taken = any(it != thing and where == link and later > at for it, where, later in sights)
        assert one["title"] == f"{thing} at {at}"
        assert one.get("url") in ((link, None) if taken else (link,))
