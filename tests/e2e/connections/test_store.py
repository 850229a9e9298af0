"""The store of connections on a real MongoDB: what is kept, for whom, and what a change sets free."""

from datetime import datetime, timedelta

import pytest
from bson.json_util import dumps
from pydantic import SecretStr

from integrations.connections.model import ConnectionState, Grant
from integrations.connections.store import Connections
from integrations.provider import Account, Purpose
from kit.errors import ReauthRequiredError
from kit.mongo import Database
from records import deferred
from records.stage_failures import StageFailures
from schemas.events import Event
from tests.e2e.connections.rig import ADA, HOUR, Clock, vault
from tests.unit.kit.records import record

MINUTE = timedelta(minutes=1)
GRANT = Grant(SecretStr("access-CANARY"), SecretStr("refresh-CANARY"), None, ("user",))


async def nothing(_event: Event) -> None:
    raise AssertionError("nothing is to be published")


async def test_a_connection_is_kept_and_its_tokens_open_again(connections: Connections, clock: Clock) -> None:
    saved, before = await connections.save("ada", "github", ADA, GRANT)
    assert before is None
    assert (saved.state, saved.account_name, saved.scopes) == (ConnectionState.CONNECTED, "ada@tube", ("user",))
    assert saved.connected_at == clock()
    held = await connections.held("ada", "github")
    assert held is not None
    assert (held.connection, held.grant) == (saved, GRANT)


async def test_who_connects_again_gets_what_it_replaces(connections: Connections) -> None:
    first, _ = await connections.save("ada", "github", ADA, GRANT, Purpose.PRIVATE)
    await connections.touch(first)
    again, before = await connections.save("ada", "github", Account("8", "ada2"), Grant(SecretStr("other")))
    assert before is not None
    assert (before.grant, before.connection.account_id, before.connection.purpose) == (GRANT, "7", Purpose.PRIVATE)
    assert (again.account_id, again.purpose) == ("8", Purpose.CONNECT)
    assert await connections.find("ada", "github") == again


async def test_no_token_is_readable_in_the_database(connections: Connections, db: Database) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    for name in await db.list_collection_names():
        assert "CANARY" not in dumps(await db[name].find().to_list())


async def test_members_see_their_own(connections: Connections) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    await connections.save("ada", "figma", ADA, GRANT)
    await connections.save("bob", "github", Account("8", "bob"), GRANT)
    assert [it.provider for it in await connections.list("ada")] == ["figma", "github"]
    assert await connections.find("bob", "figma") is None
    # a subject that looks like another's path
    assert await connections.find("ada/github", "github") is None


async def test_a_token_that_was_moved_to_another_member_does_not_open(connections: Connections, db: Database) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    await connections.save("eve", "github", ADA, GRANT)
    adas = await db.connections.find_one({"user_id": "ada"})
    assert adas is not None
    await db.connections.update_one({"user_id": "eve"}, {"$set": {"access_token": adas["access_token"]}})
    assert await opens_nothing(connections, "eve")


async def test_the_access_token_is_not_taken_for_the_refresh_token(connections: Connections, db: Database) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    kept = await db.connections.find_one({"user_id": "ada"})
    assert kept is not None
    await db.connections.update_one({"user_id": "ada"}, {"$set": {"refresh_token": kept["access_token"]}})
    assert await opens_nothing(connections, "ada")


async def test_a_slow_refresh_does_not_overwrite_a_reconnection(connections: Connections) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    before = await connections.held("ada", "github")
    assert before is not None
    again = Grant(SecretStr("reconnected"))
    await connections.save("ada", "github", ADA, again)
    assert await connections.replace(before, Grant(SecretStr("late"))) is None
    held = await connections.held("ada", "github")
    assert held is not None
    assert held.grant is not None
    assert held.grant.access_token.get_secret_value() == "reconnected"


@pytest.mark.parametrize(
    ("life", "refreshable", "early"),
    [
        (HOUR, True, timedelta(minutes=5)),
        (timedelta(minutes=5), True, timedelta(minutes=1)),
        (HOUR, False, timedelta(0)),
    ],
)
async def test_a_token_is_old_shortly_before_its_end(
    connections: Connections, clock: Clock, life: timedelta, refreshable: bool, early: timedelta
) -> None:
    refresh = SecretStr("r") if refreshable else None
    await connections.save("ada", "github", ADA, Grant(SecretStr("a"), refresh, clock() + life))
    held = await connections.held("ada", "github")
    assert held is not None
    second = timedelta(seconds=1)
    ends: datetime = clock() + life
    assert not held.is_old(ends - early - second)
    assert held.is_old(ends - early)
    assert not held.is_over(ends - second)
    assert held.is_over(ends)


async def test_use_is_remembered_to_the_minute(connections: Connections, clock: Clock) -> None:
    connection, _ = await connections.save("ada", "github", ADA, GRANT)
    await connections.touch(connection)
    first = clock()
    clock.pass_(timedelta(seconds=30))
    used = await connections.find("ada", "github")
    assert used is not None
    await connections.touch(used)
    used = await connections.find("ada", "github")
    assert used is not None
    assert used.last_used_at == first


async def test_disconnecting_leaves_a_tombstone_without_tokens(connections: Connections, db: Database) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    assert await connections.disconnect("ada", "github")
    assert not await connections.disconnect("ada", "github")
    (shown,) = await connections.list("ada")
    assert (shown.state, shown.scopes) == (ConnectionState.DISCONNECTED, ())
    kept = await db.connections.find_one({"user_id": "ada"})
    assert kept is not None
    assert not {"access_token", "refresh_token", "expires_at"} & kept.keys()
    held = await connections.held("ada", "github")
    assert held is not None
    assert held.grant is None


async def test_the_member_is_told_once_and_no_more_after_reconnecting(connections: Connections, db: Database) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    held = await connections.held("ada", "github")
    assert held is not None
    for _ in range(3):
        await connections.mark_needs_reauth(held, "GitHub")
    (notice,) = await db.notices.find({"user_id": "ada"}).to_list()
    assert (notice["kind"], notice["action"]) == ("reauth_required", "connect_github")
    await connections.save("ada", "github", ADA, GRANT)
    assert await db.notices.count_documents({}) == 0
    await connections.mark_needs_reauth(held, "GitHub")  # somebody who read the connection before
    assert await db.notices.count_documents({}) == 0
    found = await connections.find("ada", "github")
    assert found is not None
    assert found.state is ConnectionState.CONNECTED


@pytest.mark.parametrize("how", ["reconnect", "disconnect"])
async def test_what_waits_for_a_connection_goes_on_when_it_changes(
    connections: Connections, db: Database, clock: Clock, how: str
) -> None:
    connection, _ = await connections.save("ada", "youtube", ADA, GRANT)
    problem = ReauthRequiredError("YouTube", "youtube", connection.waits_for)
    failures = StageFailures("fetcher", db, nothing)
    for offset in range(20):
        await failures.defer(record(offset=offset), problem)
    bobs = ReauthRequiredError("YouTube", "youtube", "connection:bob:youtube")
    await failures.defer(record(offset=99), bobs)
    soon = max([it["due_at"] async for it in db.deferred.find()]) - timedelta(seconds=30)
    assert await deferred.claim(db, soon) == []
    clock.time = soon
    if how == "reconnect":
        await connections.save("ada", "youtube", ADA, GRANT)
    else:
        await connections.disconnect("ada", "youtube")
    assert len(await deferred.claim(db, soon)) == 20


async def test_another_vault_key_opens_nothing_and_erases_nothing(connections: Connections, db: Database) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    without_key = Connections(db, vault("other:" + "A" * 43))
    assert await opens_nothing(without_key, "ada")
    assert [it.state for it in await without_key.list("ada")] == [ConnectionState.NEEDS_REAUTH]
    held = await connections.held("ada", "github")
    assert held is not None
    assert (held.connection.state, held.grant) == (ConnectionState.CONNECTED, GRANT)


async def test_what_no_key_opens_is_erased_all_the_same(connections: Connections, db: Database) -> None:
    await connections.save("ada", "github", ADA, GRANT)
    assert await Connections(db, vault("other:" + "A" * 43)).disconnect("ada", "github")
    found = await connections.find("ada", "github")
    assert found is not None
    assert found.state is ConnectionState.DISCONNECTED


async def opens_nothing(connections: Connections, user_id: str) -> bool:
    held = await connections.held(user_id, "github")
    assert held is not None
    return held.connection.state is ConnectionState.NEEDS_REAUTH and held.grant is None
