"""What the writer makes of sights that come twice, late and in any order, on a real MongoDB."""

import asyncio
import re
from itertools import permutations
from uuid import uuid4

import pytest

from kit.mongo import Database, Document
from records.projects import SHOWN_TO_ALL
from services.writer.store import ProjectStore
from tests.e2e.projects.drafts import NEW, OLD, draft, hour, source_synced


async def only(db: Database) -> Document:
    """The one project that there is."""
    (found,) = await db.projects.find().to_list()
    return found


async def test_an_older_sight_never_overwrites_a_newer_one(db: Database, store: ProjectStore) -> None:
    first, second = draft(1), draft(2)
    saved = [await store.save(event) for event in (second, first, first, second)]
    project = await only(db)
    assert (project["title"], project["description"], project["seen_at"]) == ("Engine 2", "As of 2.", hour(2))
    assert [one.created for one in saved] == [True, False, False, True]
    assert {one.slug for one in saved} == {"engine-2"}


async def test_sights_without_a_time_overwrite_one_another_and_no_timed_one(db: Database, store: ProjectStore) -> None:
    for title in ("One", "Two"):
        await store.save(draft(None, title=title))
    assert (await only(db))["title"] == "Two"
    await store.save(draft(1))
    await store.save(draft(None, title="Three"))
    assert (await only(db))["title"] == "Engine 1"


async def test_what_an_upstream_wrote_is_no_expression(db: Database, store: ProjectStore) -> None:
    await store.save(draft(1, title="$user_id", description="$$ROOT", metadata={"a": "$slug"}))
    project = await only(db)
    assert (project["title"], project["description"], project["metadata"]) == ("$user_id", "$$ROOT", {"a": "$slug"})


@pytest.mark.parametrize("alone", [True, False])
async def test_a_renamed_project_keeps_its_id_and_slug(db: Database, store: ProjectStore, alone: bool) -> None:
    before = await store.save(draft(1))
    renamed = draft(2, NEW, formerly=OLD)
    others = () if alone else (draft(1, "https://github.com/ada/other"),)
    saved, *_ = await asyncio.gather(*(store.save(event) for event in (renamed, *others)))
    assert (saved.id, saved.slug, saved.created) == (before.id, before.slug, False)
    project = await db.projects.find_one({"_id": before.id}) or {}
    assert (project["url"], project["title"]) == (NEW, "Engine 2")
    later = await store.save(draft(3, NEW))
    assert (later.id, later.slug) == (before.id, before.slug), "later sights know only its new link"
    assert (await db.projects.find_one({"_id": before.id}) or {})["title"] == "Engine 3"


async def test_a_project_and_its_renaming_are_one_in_every_order(db: Database, store: ProjectStore) -> None:
    events = [draft(1), draft(2), renamed := draft(3, NEW, formerly=OLD), later := draft(4, NEW)]
    ends = []
    for order in permutations(events):
        if order.index(renamed) > order.index(later):
            continue  # these two have one key
        for event in order:
            await store.save(event)
        ends.append({(await only(db))[field] for field in ("url", "title", "description")})
        await db.projects.delete_many({})
    assert ends == [{NEW, "Engine 4", "As of 4."}] * len(ends)


async def test_an_old_name_that_another_repository_takes_is_another_project(db: Database, store: ProjectStore) -> None:
    first = await store.save(draft(1))
    await store.save(draft(2, NEW, formerly=OLD))
    taken = [await store.save(event) for event in (draft(3, OLD, title="Stranger"), draft(4, OLD, title="Stranger 2"))]
    assert taken[0].id == taken[1].id != first.id
    titles = {one["url"]: one["title"] async for one in db.projects.find()}
    assert titles == {NEW: "Engine 2", OLD: "Stranger 2"}
    late = await store.save(draft(1))
    assert late.id == first.id, "it was seen before the name changed hands"
    assert await db.projects.count_documents({}) == 2


async def test_two_projects_that_become_one_link_spoil_no_write(db: Database, store: ProjectStore) -> None:
    new = await store.save(draft(1, NEW))
    await store.save(draft(1))
    saved = await store.save(draft(2, NEW, formerly=OLD))
    assert saved.id == new.id
    assert await db.projects.count_documents({}) == 2


async def test_how_the_original_stands_is_kept_beside_the_project(db: Database, store: ProjectStore) -> None:
    await store.save(draft(1))
    for sync, state in (
        (source_synced(3, "gone"), "gone"),
        (source_synced(2, "there"), "gone"),
        (source_synced(4, "private"), "private"),
        (source_synced(5, "there"), "there"),
        (source_synced(4, "private"), "there"),
    ):
        await store.apply_statuses(sync)
        assert (await only(db))["source_state"] == state
    assert (await only(db))["title"] == "Engine 1"


async def test_a_sight_is_a_standing_too(db: Database, store: ProjectStore) -> None:
    await store.save(draft(1))
    await store.apply_statuses(source_synced(2, "gone"))
    await store.save(draft(1))
    assert (await only(db))["source_state"] == "gone"
    await store.save(draft(3))
    assert (await only(db))["source_state"] == "there"
    await store.save(draft(4, source_private=True))
    project = await only(db)
    assert (project["source_state"], project["is_private"]) == ("private", False)


async def shown(db: Database) -> bool:
    return await db.projects.count_documents(SHOWN_TO_ALL) == 1


async def test_a_project_is_hidden_while_its_source_is_private_from_its_first_draft_on(
    db: Database, store: ProjectStore
) -> None:
    await store.save(draft(1, source_private=True))
    assert not await shown(db)
    await store.save(draft(2))
    assert await shown(db)
    await store.apply_statuses(source_synced(3, "private"))
    assert not await shown(db)
    await store.save(draft(4))
    assert await shown(db)


async def test_what_was_private_and_is_gone_stays_hidden(db: Database, store: ProjectStore) -> None:
    await store.save(draft(1, source_private=True))
    await store.apply_statuses(source_synced(3, "gone"))
    await store.apply_statuses(source_synced(3, "gone"))
    assert ((await only(db))["source_state"], await shown(db)) == ("gone", False)
    await store.apply_statuses(source_synced(2, "there"))
    assert ((await only(db))["source_state"], await shown(db)) == ("gone", True), "it was public before it went"


async def test_nobody_moves_the_project_of_another_member(db: Database, store: ProjectStore) -> None:
    await store.save(draft(1))
    await store.apply_statuses(source_synced(2, "gone").model_copy(update={"user_id": "mallory"}))
    await store.save(draft(2, NEW, formerly=OLD).model_copy(update={"user_id": "mallory"}))
    project = await db.projects.find_one({"user_id": "ada"}) or {}
    assert (project["url"], project["source_state"]) == (OLD, "there")


async def test_projects_of_one_name_have_slugs_of_their_own(db: Database, store: ProjectStore) -> None:
    events = [draft(1, f"https://github.com/ada/{number}", import_id=uuid4()) for number in range(8)]
    saved = await asyncio.gather(*(store.save(event) for event in events))
    assert len({one.slug for one in saved}) == 8
    assert {"engine-1", "engine-1-2", "engine-1-5"} < {one.slug for one in saved}


async def test_titles_alike_of_any_script_or_of_signs_alone_have_slugs_of_their_own(
    db: Database, store: ProjectStore
) -> None:
    titles = ["Kayak day", "Kayak day", "บ้านไม้ริมน้ำ", "星空", "🛶🛶", "🌊", "?!"]
    events = [draft(1, f"https://github.com/ada/{at}", title=title) for at, title in enumerate(titles)]
    slugs = [(await store.save(event)).slug for event in events]
    assert len(set(slugs)) == len(titles)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in slugs), slugs
