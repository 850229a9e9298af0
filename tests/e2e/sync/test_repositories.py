"""Followed repositories: what of a change upstream goes on its way, and what a failure does not."""

from datetime import timedelta
from uuid import uuid4

import pytest

from integrations.connections.model import ConnectionState
from records.imports import State, insert, pending
from records.sources.record import Reason, SourceState, sync_requested
from schemas.events import Options, UpstreamStatus
from tests.e2e.sync.conftest import HOUR, Emitted, Rig
from tests.e2e.sync.github import TOKEN

URL = "https://github.com/ada/engine"
DAY = timedelta(days=1)
NEW_URL = "https://github.com/ada/machine"


async def test_the_first_sync_hands_the_repository_on(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    event = sync_requested(source)
    emitted = Emitted(await rig.sync(event))
    (fetched,) = emitted.fetched
    assert (fetched.item.text, fetched.item.seen_at, fetched.item.formerly) == ("# Hello", rig.now, None)
    assert [(it.id, it.items_found, it.standings) for it in emitted.synced] == [(emitted.synced[0].id, 1, ())]
    run, source = await rig.run(source), await rig.source(source)
    assert (run["_id"], run["outcome"], run["reason"]) == (event.id, "changed", "new")
    assert [(it["outcome"], it["import_id"]) for it in run["items"]] == [("requested", fetched.import_id)]
    assert (run["next_sync_at"], run["next_reason"]) == (source["next_sync_at"], "interval")
    assert run["cost"]["github.core"] == 4
    assert source["metadata"] == {
        "repo_full_name": "Ada/Engine", "is_fork": False, "is_archived": False, "total_commits": 7,
        "last_commit_date": "2026-02-01T00:00:00Z",
    }  # fmt: skip
    record = await rig.db.imports.find_one({"_id": fetched.import_id})
    assert record is not None
    assert (record["state"], record["released"], record["published"], record["active"]) == ("pending", True, True, True)


async def test_an_unchanged_repository_costs_nothing_and_is_told_to_nobody(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    rig.github.requests.clear()
    emitted = await rig.sync_source(source)
    assert rig.github.statuses == [304, 304, 304]
    assert (emitted.fetched, emitted.standings, len(emitted.synced)) == ([], [], 1)
    run = await rig.run(source)
    assert (run["outcome"], [it["outcome"] for it in run["items"]]) == ("unchanged", ["unchanged"])
    assert "github.core" not in run["cost"]


async def test_a_missing_readme_is_not_asked_for_until_something_is_pushed(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine", readme=None)
    source = await rig.follow(URL)
    await rig.sync_source(source)
    await rig.sync_source(source)
    assert "github.core" not in (await rig.run(source))["cost"]
    repository.readme, repository.commits = "# Now", 8
    (fetched,) = (await rig.sync_source(source)).fetched
    assert fetched.item.text == "# Now"


@pytest.mark.parametrize("change", [{"stars": 2}, {"readme": "# Other"}, {"readme": None}])
async def test_a_change_of_repository_or_readme_goes_on_its_way(rig: Rig, change: dict[str, object]) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    for name, value in change.items():
        setattr(repository, name, value)
    (fetched,) = (await rig.sync_source(source)).fetched
    assert fetched.item.seen_at == rig.now
    assert (await rig.run(source))["outcome"] == "changed"
    assert (await rig.sync_source(source)).fetched == []


async def test_an_import_is_not_kept_for_ever_once_a_later_sync_has_handed_its_item_on(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    ids = []
    for number in range(3):
        repository.readme = f"# Version {number}"
        (fetched,) = (await rig.sync_source(source)).fetched
        ids.append(fetched.import_id)
    soon = {it["_id"]: "expires_at" in it async for it in rig.db.imports.find()}
    assert [soon[it] for it in ids] == [True, True, False]
    assert await rig.db.imports.count_documents({"expires_at": {"$gt": rig.now + timedelta(days=89)}}) == 2


async def test_what_a_sync_asks_for_is_as_old_as_the_sync(rig: Rig) -> None:
    """What its owner deletes while it goes on is not asked for again by it."""
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    event = await rig.due(source)

    def minutes_pass() -> None:
        rig.now += timedelta(minutes=5)

    began, rig.github.answered = rig.now, minutes_pass
    assert len(Emitted(await rig.sync(event)).fetched) == 1
    (record,) = await rig.db.imports.find().to_list()
    assert record["created_at"] == began < (await rig.run(source))["finished_at"]


async def test_what_its_owner_deleted_here_does_not_come_back_by_itself(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    (first,) = (await rig.sync_source(source)).fetched
    project = {"_id": uuid4(), "user_id": first.user_id, "url": URL, "slug": "engine"}
    await rig.db.projects.insert_one(project)
    await rig.db.imports.update_one({"_id": first.import_id}, {"$set": {"state": State.COMPLETED, "active": False}})

    repository.readme = "Changed while it is here"
    assert len((await rig.sync_source(source)).fetched) == 1
    await rig.db.imports.update_many({}, {"$set": {"state": State.COMPLETED, "active": False}})
    await rig.db.projects.delete_one({"_id": project["_id"]})
    repository.readme = "Changed after it was deleted"
    assert (await rig.sync_source(source)).fetched == []
    (entry,) = (await rig.run(source))["items"]
    assert (entry["outcome"], entry["reason"]) == ("skipped", "You deleted the project of this item.")

    await rig.db.projects.insert_one(project)  # imported anew, by hand
    repository.readme = "Changed after it was wanted again"
    assert len((await rig.sync_source(source)).fetched) == 1


@pytest.mark.parametrize(
    ("facts", "handed_on"),
    [
        ({"platform": "github", "external_id": "1", "url": NEW_URL}, 1),
        ({"platform": "github", "external_id": "1"}, 1),
        ({"platform": "github", "external_id": "99", "url": URL}, 0),
        ({"url": URL}, 1),
    ],
)
async def test_a_project_is_there_whatever_its_link_has_become(rig: Rig, facts: dict[str, str], handed_on: int) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    (first,) = (await rig.sync_source(source)).fetched
    await rig.db.imports.update_one({"_id": first.import_id}, {"$set": {"state": State.COMPLETED, "active": False}})
    await rig.db.projects.insert_one({"_id": uuid4(), "user_id": first.user_id, "slug": "engine", **facts})
    repository.readme = "Changed"
    assert len((await rig.sync_source(source)).fetched) == handed_on, "another one at its old link is not it"


async def test_how_a_repository_stands_is_told_by_its_id(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    del rig.github.repositories["ada/engine"]
    (synced,) = (await rig.sync_source(source)).synced
    (standing,) = synced.standings
    assert (synced.platform, standing.external_id, standing.state) == ("github", "1", "gone")


async def test_what_failed_to_become_a_project_is_handed_on_again_once_it_changes(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    (first,) = (await rig.sync_source(source)).fetched
    await rig.db.imports.update_one({"_id": first.import_id}, {"$set": {"state": State.FAILED, "active": False}})
    repository.readme = "Changed"
    assert len((await rig.sync_source(source)).fetched) == 1


async def test_commits_are_counted_anew_only_after_a_push(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    repository.stars = 2
    await rig.sync_source(source)
    assert (await rig.run(source))["cost"]["github.core"] == 1
    repository.commits = 9
    await rig.sync_source(source)
    assert (await rig.source(source))["metadata"]["total_commits"] == 9


async def test_a_renamed_repository_moves_with_its_source(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    rig.github.rename(repository, "Ada/Machine")
    (fetched,) = (await rig.sync_source(source)).fetched
    assert (fetched.url, fetched.item.formerly) == (NEW_URL, URL)
    assert (await rig.source(source))["source_identifier"] == NEW_URL
    assert (await rig.sync_source(source)).fetched == []


async def test_who_takes_the_old_name_of_a_renamed_repository_is_not_it(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    rig.github.rename(repository, "Ada/Machine")
    rig.github.add("Ada/Engine", readme="# Somebody else's")
    (fetched,) = (await rig.sync_source(source)).fetched
    assert (fetched.item.external_id, fetched.url, fetched.item.text) == ("1", NEW_URL, "# Hello")


async def test_a_repository_that_is_gone_is_marked_and_found_again(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    del rig.github.repositories["ada/engine"]
    emitted = await rig.sync_source(source)
    assert (emitted.fetched, emitted.standings) == ([], [UpstreamStatus(url=URL, external_id="1", state="gone")])
    assert (await rig.source(source))["state"] == SourceState.GONE
    assert (await rig.run(source))["error"]["error_code"] == "CONTENT_NOT_FOUND"
    assert (await rig.sync_source(source)).events == []  # told once
    rig.github.repositories["ada/engine"] = repository
    emitted = await rig.sync_source(source)
    assert (emitted.fetched, emitted.standings) == ([], [UpstreamStatus(url=URL, external_id="1", state="there")])
    assert (await rig.source(source))["state"] == SourceState.OK


@pytest.mark.parametrize("status", [401, 403, 451, 500, 502])
async def test_a_failed_sync_marks_nothing_unless_it_is_gone(rig: Rig, status: int) -> None:
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    rig.github.status = status
    emitted = await rig.sync_source(source)
    assert (emitted.fetched, bool(emitted.standings)) == ([], status == 451)
    expected = {403: SourceState.OK, 451: SourceState.GONE}.get(status, SourceState.FAILING)
    assert (await rig.source(source))["state"] == expected
    rig.github.status = 200
    await rig.sync_source(source)
    assert (await rig.source(source))["state"] == SourceState.OK


async def test_a_redelivered_event_repeats_what_it_did_and_asks_nobody(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    event = await rig.due(source)
    first = await rig.sync(event)
    repository.stars = 99
    rig.github.requests.clear()
    assert await rig.sync(event) == first
    assert rig.github.requests == []
    assert await rig.db.runs.count_documents({}) == await rig.db.imports.count_documents({}) == 1


async def test_a_crash_before_the_source_knew_of_its_run_is_made_good(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    event = await rig.due(source)
    before = await rig.source(source)
    first = await rig.sync(event)
    after = await rig.source(source)
    await rig.db.sources.replace_one({"_id": source["_id"]}, before)
    await rig.db.source_items.delete_many({})
    assert await rig.sync(event) == first
    assert await rig.source(source) == after
    assert (await rig.sync_source(source)).fetched == []


async def test_one_request_serves_everybody_who_follows_a_public_repository(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    sources = [await rig.follow(URL, f"member {n}") for n in range(5)]
    emitted = [Emitted(await rig.sync(sync_requested(source))) for source in sources]
    assert len(rig.github.requests) == 4
    assert [len(it.fetched) for it in emitted] == [1] * 5
    assert {it.fetched[0].user_id for it in emitted} == {f"member {n}" for n in range(5)}


async def test_a_push_is_read_anew_once_for_all_followers(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    sources = [await rig.follow(URL, f"member {n}") for n in range(3)]
    for source in sources:
        await rig.sync(sync_requested(source))
    repository.stars = 2
    rig.github.requests.clear()
    rig.now += HOUR / 60
    events = [await rig.now_due(source, Reason.PUSH) for source in sources]
    rig.now += HOUR / 60
    emitted = [Emitted(await rig.sync(event)) for event in events]
    assert len(rig.github.requests) == 3
    assert [it.fetched[0].item.metadata["stars"] for it in emitted] == [2, 2, 2]


async def test_what_only_a_member_sees_is_never_anothers(rig: Rig) -> None:
    rig.github.add("Ada/Secret", private=True)
    rig.accounts.states = {"ada": ConnectionState.CONNECTED}
    url = "https://github.com/ada/secret"
    hers, theirs = await rig.follow(url), await rig.follow(url, "mallory")
    (fetched,) = Emitted(await rig.sync(sync_requested(hers))).fetched
    assert fetched.item.is_private
    source = await rig.source(hers)
    assert (source["connection"], source["state"]) == ("github", SourceState.OK), (
        "it was private before she followed it"
    )
    assert await rig.sync(sync_requested(theirs)) == []
    assert (await rig.source(theirs))["state"] == SourceState.GONE
    audiences = await rig.db.snapshots.distinct("audience")
    assert audiences == ["ada github account of ada"]


async def test_a_repository_that_became_private_is_hidden_until_it_is_public_again(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    rig.accounts.states = {"ada": ConnectionState.CONNECTED}
    source = await rig.follow(URL)
    await rig.sync_source(source)
    repository.private = True
    assert [it.item.is_private for it in (await rig.sync_source(source)).fetched] == [True]
    assert (await rig.source(source))["state"] == SourceState.PRIVATE
    assert (await rig.sync_source(source)).fetched == []
    assert (await rig.source(source))["state"] == SourceState.PRIVATE
    assert "github.core" not in (await rig.run(source))["cost"]  # her own 304 are free as well
    assert (await rig.source(source))["connection"] == "github"
    repository.private = False
    assert [it.item.is_private for it in (await rig.sync_source(source)).fetched] == [False]
    assert (await rig.source(source))["connection"] is None
    assert (await rig.source(source))["state"] == SourceState.OK


async def test_validators_that_a_new_token_changes_make_nothing_new(rig: Rig) -> None:
    rig.github.add("Ada/Secret", private=True)
    rig.accounts.states = {"ada": ConnectionState.CONNECTED}
    source = await rig.follow("https://github.com/ada/secret")
    await rig.sync_source(source)
    rig.accounts.token = f"{TOKEN}, renewed"
    assert (await rig.sync_source(source)).fetched == []
    run = await rig.run(source)
    assert (run["outcome"], run["cost"]["github.core"]) == ("unchanged", 3)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ConnectionState.NEEDS_REAUTH, SourceState.NEEDS_REAUTH),
        (ConnectionState.DISCONNECTED, SourceState.REVOKED),
    ],
)
async def test_a_lost_account_is_named_and_marks_nothing(
    rig: Rig, state: ConnectionState, expected: SourceState
) -> None:
    rig.github.add("Ada/Secret", private=True)
    rig.accounts.states = {"ada": ConnectionState.CONNECTED}
    source = await rig.follow("https://github.com/ada/secret")
    await rig.sync_source(source)
    rig.accounts.states = {"ada": state}
    assert (await rig.sync_source(source)).events == []
    assert (await rig.source(source))["state"] == expected
    rig.accounts.states = {"ada": ConnectionState.CONNECTED}
    await rig.sync_source(source)
    assert (await rig.source(source))["state"] == SourceState.OK


async def test_an_import_of_the_same_link_that_is_under_way_keeps_its_place(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    other = pending(
        task_id=uuid4(), user_id="ada", url=URL, integration="github", options=Options(), released=True, now=rig.now
    )
    await insert(rig.db, other)
    (fetched,) = (await rig.sync_source(source)).fetched
    record = await rig.db.imports.find_one({"_id": fetched.import_id})
    assert record is not None
    assert (record["active"], record["state"]) == (False, "pending")


async def test_a_source_that_was_removed_is_not_synced(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    event = sync_requested(source)
    await rig.db.sources.delete_one({"_id": source["_id"]})
    assert await rig.sync(event) == []
    assert await rig.sync(sync_requested({**source, "user_id": "mallory"})) == []
    assert rig.github.requests == []


# Gone for everybody, and perhaps private


async def test_what_nobody_finds_for_a_week_is_hidden_and_its_owner_told_until_it_is_back(rig: Rig) -> None:
    repository = rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    repository.private = True  # which GitHub answers with 404 to whoever may not see it
    assert (await rig.sync_source(source)).standings == [UpstreamStatus(url=URL, external_id="1", state="gone")]
    for _ in range(3):
        rig.now += DAY
        assert (await rig.sync_source(source)).standings == []
    (notice,) = await rig.db.notices.find().to_list()
    assert notice["kind"] == "source_gone"

    rig.now += 4 * DAY
    assert (await rig.sync_source(source)).standings == [UpstreamStatus(url=URL, external_id="1", state="private")]
    assert (await rig.sync_source(source)).standings == [], "told once"
    (notice,) = await rig.db.notices.find().to_list()
    assert (notice["user_id"], notice["kind"], notice["action"]) == ("ada", "source_hidden", "check_url")
    assert "hidden from others" in notice["text"]
    assert (await rig.source(source))["state"] == SourceState.GONE

    repository.private = False
    back = await rig.sync_source(source)
    assert [it.item.is_private for it in back.fetched] == [False] or back.standings == [
        UpstreamStatus(url=URL, external_id="1", state="there")
    ]
    assert await rig.db.notices.count_documents({}) == 0
    repository.private = True
    assert (await rig.sync_source(source)).standings == [UpstreamStatus(url=URL, external_id="1", state="gone")], (
        "and the days count anew"
    )


async def test_an_upstream_that_is_down_for_a_week_hides_nothing(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    source = await rig.follow(URL)
    await rig.sync_source(source)
    rig.github.status = 503
    for _ in range(9):
        rig.now += DAY
        assert (await rig.sync_source(source)).standings == []
    assert (await rig.source(source))["state"] == SourceState.FAILING
    assert await rig.db.notices.count_documents({}) == 0


# Our own credential


async def test_a_wrong_token_of_our_own_revokes_nothing_and_a_connected_member_is_read_with_theirs(rig: Rig) -> None:
    rig.github.add("Ada/Engine")
    source, connected = await rig.follow(URL), await rig.follow(URL, "mira")
    rig.accounts.states["mira"] = ConnectionState.CONNECTED
    for one in (source, connected):
        await rig.sync_source(one)
    rig.github.refuses = "ghp_application"
    for _ in range(3):
        await rig.sync_source(source)
        await rig.sync_source(connected)
    assert (await rig.source(source))["state"] == SourceState.FAILING
    assert "connect" not in str((await rig.run(source))["error"]).lower()
    assert (await rig.source(connected))["state"] == SourceState.OK
    assert await rig.db.notices.count_documents({}) == 0
    rig.github.refuses = ""
    await rig.sync_source(source)
    assert (await rig.source(source))["state"] == SourceState.OK
