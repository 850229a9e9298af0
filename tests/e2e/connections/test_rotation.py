"""`thrive keys rotate` on a real MongoDB."""

import asyncio

import pytest
from pydantic import SecretStr

from integrations.connections.model import Grant
from integrations.connections.rotation import Rotation, count_by_key, rotate
from integrations.connections.store import Connections
from kit.mongo import Database
from kit.vault import VaultError, new_key
from tests.e2e.connections.rig import ADA, Clock, vault

OLD, NEW = new_key("old"), new_key("new")


def grant(name: str) -> Grant:
    return Grant(SecretStr(f"access-{name}"), SecretStr(f"refresh-{name}"))


async def access_token(connections: Connections, user_id: str) -> str:
    held = await connections.held(user_id, "github")
    assert held is not None
    assert held.grant is not None
    return held.grant.access_token.get_secret_value()


async def test_everything_moves_to_the_first_key_once(db: Database, clock: Clock) -> None:
    old = Connections(db, vault(OLD), now=clock)
    for number in range(10):
        await old.save(f"m{number}", "github", ADA, grant(str(number)))
    await old.save("gone", "github", ADA, grant("gone"))
    await old.disconnect("gone", "github")
    both = vault(NEW, OLD)
    assert await rotate(db, both) == Rotation("new", 20, 0, 0)
    assert await count_by_key(db) == {"new": 20}
    assert await rotate(db, both) == Rotation("new", 0, 0, 0)
    only_new = Connections(db, vault(NEW), now=clock)
    assert [await access_token(only_new, f"m{number}") for number in range(10)] == [f"access-{n}" for n in range(10)]


async def test_readers_and_writers_go_on_while_it_runs(db: Database, clock: Clock) -> None:
    """Processes that know both keys read, refresh and reconnect meanwhile; nothing is lost or overwritten."""
    running = Connections(db, vault(NEW, OLD), now=clock)
    old = Connections(db, vault(OLD, NEW), now=clock)  # has not been restarted yet
    members = [f"m{number}" for number in range(6)]
    for member in members:
        await old.save(member, "github", ADA, grant("0"))
    rotated = asyncio.Event()

    async def work(member: str) -> int:
        turns = 0
        while not rotated.is_set():
            turns += 1
            store = running if turns % 2 else old
            held = await store.held(member, "github")
            assert held is not None
            assert held.grant is not None
            assert held.grant.access_token.get_secret_value() == f"access-{turns - 1}"
            assert await store.replace(held, grant(str(turns))) is not None
        return turns

    workers = [asyncio.create_task(work(member)) for member in members]
    during = await rotate(db, vault(NEW, OLD))
    rotated.set()
    assert during.rewrapped > 0
    assert during.broken == 0
    turns = await asyncio.gather(*workers)
    assert min(turns) > 0
    assert (await rotate(db, vault(NEW, OLD))).left == 0
    assert await count_by_key(db) == {"new": 2 * len(members)}
    only_new = Connections(db, vault(NEW), now=clock)
    for member, count in zip(members, turns, strict=True):
        assert await access_token(only_new, member) == f"access-{count}"


async def test_a_value_that_no_key_opens_is_counted_and_left(db: Database, clock: Clock) -> None:
    await Connections(db, vault(new_key("lost")), now=clock).save("ada", "github", ADA, grant("0"))
    await Connections(db, vault(OLD), now=clock).save("bob", "github", ADA, grant("0"))
    result = await rotate(db, vault(NEW, OLD))
    assert (result.rewrapped, result.broken) == (2, 2)
    assert await count_by_key(db) == {"new": 2, "lost": 2}


async def test_without_a_key_it_says_so(db: Database, clock: Clock) -> None:
    await Connections(db, vault(OLD), now=clock).save("ada", "github", ADA, grant("0"))
    with pytest.raises(VaultError):
        await rotate(db, vault(""))
