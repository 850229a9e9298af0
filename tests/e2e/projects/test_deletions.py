"""What its owner has deleted stays deleted, whatever of it comes again; what they ask for later is made."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kit.errors import ContentNotFoundError
from kit.mongo import Database
from records import deletions
from records.deferred import CLAIM
from records.waits import HELD_WAITS, MAX_HELD_WAITS
from schemas.journey import TOPICS
from services.writer.store import ProjectStore, Saved
from tests.e2e.projects.drafts import NEW, OLD, draft, hour

BEFORE, DELETED, AFTER = hour(1), hour(2), hour(3)


async def delete(db: Database, project_id: UUID) -> None:
    """As the gateway does."""
    which = {"_id": project_id, "user_id": "ada"}
    await deletions.remember(db, which, DELETED)
    await db.projects.delete_one(which)


async def test_a_draft_from_before_a_deletion_brings_nothing_back(db: Database, store: ProjectStore) -> None:
    first = draft(1)
    saved = await store.save(first, BEFORE)
    await delete(db, saved.id)
    other = draft(1, "https://github.com/ada/other")
    results = await asyncio.gather(
        store.save(first, BEFORE), store.save(draft(4), BEFORE), store.save(other, BEFORE), return_exceptions=True
    )
    assert [type(it) for it in results] == [ContentNotFoundError, ContentNotFoundError, Saved], "whenever it was seen"
    assert await db.projects.distinct("url") == ["https://github.com/ada/other"]


async def test_what_is_asked_for_after_a_deletion_is_made_anew(db: Database, store: ProjectStore) -> None:
    saved = await store.save(draft(1), BEFORE)
    await delete(db, saved.id)
    again = await store.save(draft(1), AFTER)
    assert (again.id, again.created) == (saved.id, True), "its points' key is the old one, so they are not earned twice"


@pytest.mark.parametrize(("seen", "made"), [(1, False), (None, False), (3, True)])
async def test_what_others_asked_for_is_as_old_as_its_sight(
    db: Database, store: ProjectStore, seen: int | None, made: bool
) -> None:
    await delete(db, (await store.save(draft(1))).id)
    if made:
        assert (await store.save(draft(seen))).created
    else:
        with pytest.raises(ContentNotFoundError):
            await store.save(draft(seen))


@pytest.mark.parametrize("link", [OLD, NEW])
async def test_a_renamed_project_is_deleted_under_all_its_names(db: Database, store: ProjectStore, link: str) -> None:
    first = draft(1)
    await store.save(first, BEFORE)
    saved = await store.save(draft(2, NEW, formerly=OLD), BEFORE)
    await delete(db, saved.id)
    for late in (draft(1, link), draft(2, NEW, formerly=OLD), draft(4, link)):
        with pytest.raises(ContentNotFoundError):
            await store.save(late, BEFORE)
    assert await db.projects.count_documents({}) == 0


async def test_what_was_deleted_stays_so_by_a_link_that_nobody_knew(db: Database, store: ProjectStore) -> None:
    await delete(db, (await store.save(draft(1, external_id="77"), BEFORE)).id)
    with pytest.raises(ContentNotFoundError):
        await store.save(draft(2, NEW, external_id="77"), BEFORE)
    again = await store.save(draft(2, NEW, external_id="77"), AFTER)
    assert await db.projects.distinct("_id") == [again.id]


async def test_what_has_the_name_of_something_deleted_is_made(db: Database, store: ProjectStore) -> None:
    await delete(db, (await store.save(draft(1, external_id="77"), BEFORE)).id)
    assert (await store.save(draft(2, external_id="99"), BEFORE)).created


async def test_a_deletion_at_the_moment_of_a_refresh_wins(db: Database, store: ProjectStore) -> None:
    for number in range(60):
        link = f"https://github.com/ada/{number}"
        saved = await store.save(draft(1, link), BEFORE)
        await asyncio.gather(
            *(store.save(draft(2, link), BEFORE) for _ in range(3)), delete(db, saved.id), return_exceptions=True
        )
        assert await db.projects.count_documents({}) == 0


async def test_the_deletion_of_one_member_is_none_of_anothers(db: Database, store: ProjectStore) -> None:
    await delete(db, (await store.save(draft(1), BEFORE)).id)
    bobs = draft(1).model_copy(update={"user_id": "bob", "import_id": uuid4()})
    assert (await store.save(bobs, BEFORE)).created


async def test_only_what_is_there_and_ones_own_is_deleted(db: Database, store: ProjectStore) -> None:
    saved = await store.save(draft(1), BEFORE)
    await deletions.remember(db, {"_id": saved.id, "user_id": "mallory"}, DELETED)
    assert await db.deletions.count_documents({}) == 0


def test_deletions_are_kept_longer_than_anything_that_could_undo_them() -> None:
    waits = [*HELD_WAITS, *[HELD_WAITS[-1]] * (MAX_HELD_WAITS - len(HELD_WAITS))]
    assert sum(waits, CLAIM) < deletions.KEPT
    assert max(topic.retention for topic in TOPICS) + timedelta(days=1) < deletions.KEPT
