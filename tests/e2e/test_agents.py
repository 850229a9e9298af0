"""An operator's agents from the terminal, through every process, against the sandbox's YouTube."""

import re

from kit.mongo import Database
from tests.e2e.member import Member
from tests.e2e.stack import Stack

CREATE = ("agents", "create", "--channel-url", "https://www.youtube.com/@loadchannel7", "--source-name", "Tide Tables",
          "--github", "https://github.com/tides")  # fmt: skip


async def test_an_agent_brings_its_channel_and_is_made_once(stack: Stack, db: Database, ada: Member) -> None:
    made = stack.thrive(*CREATE)
    assert "Created agent Tide Tables (tide-tables)." in made
    assert "100 %  5 of 5 imported" in made
    assert made.strip().endswith(f"{stack.url('gateway')}/api/v1/users/tide-tables/")
    page = await ada.get("/users/tide-tables/")
    assert len(page["projects"]) == 5
    assert (page["kind"], page["points"], page["links"][0]["title"]) == ("agent", None, "GitHub")
    assert [one["title"] for one in (await ada.get("/explore/", type="video"))["projects"]] == [
        one["title"] for one in page["projects"]
    ]

    before = await db.sources.find({}, {"next_sync_at": 1, "sync_enabled": 1}).to_list()
    assert "has this agent already" in stack.thrive(*CREATE)
    assert await db.sources.find({}, {"next_sync_at": 1, "sync_enabled": 1}).to_list() == before
    assert await db.users.count_documents({"kind": "agent"}) == 1

    stack.thrive("agents", "pause", "tide-tables")
    assert re.search(r"tide-tables.*paused", stack.thrive("agents", "list"))
    stack.thrive("agents", "resume", "tide-tables")
    stack.thrive("agents", "remove", "tide-tables", "--yes")
    assert (await ada.get("/explore/"))["projects"] == []
    assert await db.sources.count_documents({}) == 0
