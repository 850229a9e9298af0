"""A member's accounts through the public HTTP API and seven processes: sign-in, consent, private content, and the end
of a consent. No secret is left behind anywhere, and keys are changed while imports run."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2
import pytest

from demo.oauth_browser import browser
from kit.mongo import Database
from kit.vault import new_key
from sandbox.client import SandboxClient
from schemas.journey import TOPICS
from tests.e2e.member import PATIENCE, settled
from tests.e2e.stack import SANDBOX, Stack

pytestmark = pytest.mark.engines

API = "/api/v1"
PRIVATE = "https://github.com/mira-example/night-ferry"
PRIVATE_TOO = "https://github.com/mira-example/unsent-letters"
PUBLIC_VIDEO = "https://youtu.be/sbxTidePool"


class Person:
    """Somebody with a browser, who is `member` at every provider of the sandbox."""

    def __init__(self, stack: Stack, member: str = "mira") -> None:
        self.member = member
        self.seen: list[bytes] = []  # all that the gateway answered
        self._gateway = stack.url("gateway")
        self._browser = browser()
        self._browser.event_hooks["response"].append(self._remember)
        self._browser.headers["Sec-Fetch-Site"] = "same-origin"

    async def __aenter__(self) -> "Person":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._browser.aclose()

    @property
    def cookies(self) -> list[str]:
        return [cookie.value for cookie in self._browser.cookies.jar if cookie.value]

    async def sign_in(self, provider: str = "github") -> dict[str, Any]:
        answer = await self._consent(f"/auth/{provider}/start/?return_to={API}/me/")
        assert answer.status_code == 200, answer.text
        me: dict[str, Any] = answer.json()
        return me

    async def connect(self, provider: str = "github", without: str | None = None) -> dict[str, Any]:
        """Scopes that are named `without` are unticked."""
        start = f"{API}/connections/{provider}/start/{'?private=true' * (provider == 'github')}"
        answer = await self._consent(start, without)
        assert answer.status_code == 200, answer.text
        connection: dict[str, Any] = answer.json()
        return connection

    async def get(self, path: str) -> Any:
        answer = await self._browser.get(f"{self._gateway}{API}{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, path: str) -> httpx2.Response:
        return await self._browser.get(f"{self._gateway}{API}{path}")

    async def paste(self, link: str, **headers: str) -> httpx2.Response:
        return await self._browser.post(
            f"{self._gateway}{API}/integrations/import/", json={"url": link}, headers=headers
        )

    async def paste_and_wait(self, link: str) -> httpx2.Response:
        """What came of it. Asks again while it is under way."""
        headers = {"Prefer": "wait=20", "Idempotency-Key": uuid4().hex}
        async with asyncio.timeout(PATIENCE):
            while (answer := await self.paste(link, **headers)).status_code == 202:
                pass
        return answer

    async def delete(self, path: str) -> None:
        answer = await self._browser.delete(f"{self._gateway}{API}{path}")
        assert answer.status_code in (200, 204), answer.text

    async def _consent(self, start: str, without: str | None = None) -> httpx2.Response:
        page = await self._browser.get(self._gateway + start, follow_redirects=True)
        assert page.status_code == 200, page.text
        asked = parse_qs(urlsplit(str(page.url)).query)
        scopes = asked["scope"][0].replace(",", " ").split()
        ticks = [scope for scope in scopes if without is None or without not in scope]
        form = {**asked, "member": self.member, "tick": ticks, "decision": "allow"}
        return await self._browser.post(page.url, data=form, follow_redirects=True)

    async def _remember(self, response: httpx2.Response) -> None:
        if str(response.url).startswith(self._gateway):
            await response.aread()
            shown = {name: value for name, value in response.headers.items() if name not in ("set-cookie", "location")}
            self.seen.append(f"{shown}".encode() + response.content)


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url(SANDBOX)) as client:
        yield client
        await client.heal()


@pytest.fixture
async def mira(stack: Stack, db: Database, sandbox: SandboxClient) -> AsyncIterator[Person]:
    """Signed in, and without projects: every test is her first day."""
    async with Person(stack) as person:
        me = await person.sign_in()
        for name in ("projects", "imports", "connections", "notices", "deferred"):
            await db[name].delete_many({} if name == "deferred" else {"user_id": me["id"]})
        yield person


async def test_a_private_repository_from_sign_in_to_disconnection(stack: Stack, db: Database, mira: Person) -> None:
    assert (await mira.get("/me/"))["username"].startswith("mira")
    connection = await mira.connect()
    assert (connection["provider"], connection["state"]) == ("github", "connected")
    listed = (await mira.get("/github/repos/"))["repositories"]
    assert {repo["url"] for repo in listed} >= {PRIVATE, PRIVATE_TOO}
    assert not any(repo.get("imported") for repo in listed)

    done = await mira.paste_and_wait(PRIVATE)
    assert done.status_code == 200, done.text
    project = done.json()["project"]
    assert (project["is_private"], project["external_url"]) == (True, PRIVATE)
    assert (await mira.paste(PRIVATE)).status_code == 409
    marked = {repo["url"]: repo.get("imported") for repo in (await mira.get("/github/repos/"))["repositories"]}
    assert marked[PRIVATE] and not marked[PRIVATE_TOO]

    await mira.delete("/connections/github/")
    await mira.delete(f"/projects/{project['id']}/")
    refused = await mira.paste_and_wait(PRIVATE)
    body = refused.json()
    assert (refused.status_code, body["success"], body["error_code"], body["action"]) == (
        424, False, "AUTH_ERROR", "connect_github",
    )  # fmt: skip
    assert body["error"] and body["suggestion"]


async def test_a_private_video_is_read_with_the_members_google_account(mira: Person) -> None:
    assert (await mira.paste_and_wait("https://youtu.be/sbxPrivate0")).status_code in (424, 404)
    await mira.connect("youtube")
    done = await mira.paste_and_wait("https://youtu.be/sbxPrivate0")
    assert done.status_code == 200, done.text
    assert done.json()["project"]["is_private"]


async def test_a_google_token_that_is_refused_is_renewed_and_a_revoked_consent_waits_for_the_member(
    stack: Stack, db: Database, sandbox: SandboxClient, mira: Person
) -> None:
    await mira.connect("youtube")
    await sandbox.expire_tokens("google", "mira")
    done = await mira.paste_and_wait("https://youtu.be/sbxPrivate0")
    assert done.status_code == 200, done.text
    await mira.delete(f"/projects/{done.json()['project']['id']}/")

    await sandbox.revoke_grants("google", "mira")
    public = await mira.paste_and_wait(PUBLIC_VIDEO)
    assert public.status_code == 200, "what everybody may see does not wait"
    again = await mira.paste_and_wait("https://youtu.be/sbxBreadDay")
    assert again.status_code in (200, 409)
    assert await state(mira, "youtube") == "connected", "twice may be a mistake of Google's"
    assert (await mira.get("/notices/"))["notices"] == []
    task_id = (await mira.paste("https://youtu.be/sbxPrivate0")).json()["task_id"]
    async with asyncio.timeout(PATIENCE):
        while not await waits(db):
            stack.check()
            await asyncio.sleep(0.1)
    assert await state(mira, "youtube") == "needs_reauth"
    assert [it["action"] for it in (await mira.get("/notices/"))["notices"]] == ["connect_youtube"]

    await mira.connect("youtube")
    await settled(stack, db, task_id)
    assert (await mira.get(f"/integrations/tasks/{task_id}/"))["status"] == "completed"


async def test_a_member_who_did_not_allow_youtube_reads_what_everybody_may(mira: Person) -> None:
    connection = await mira.connect("youtube", without="youtube")
    assert len(connection["missing_scopes"]) == 1
    public = await mira.paste_and_wait(PUBLIC_VIDEO)
    assert public.status_code == 200, public.text
    private = await mira.paste_and_wait("https://youtu.be/sbxPrivate0")
    assert (private.status_code, private.json()["action"]) == (424, "connect_youtube")
    assert "permission" in private.json()["error"]


async def test_what_needs_a_lost_consent_waits_for_the_member_and_goes_on_by_itself(
    stack: Stack, db: Database, sandbox: SandboxClient, mira: Person
) -> None:
    await mira.connect()
    await sandbox.revoke_grants("github", "mira")
    for _ in range(2):
        assert (await mira.ask("/github/repos/")).status_code == 503
    assert await state(mira, "github") == "connected", "the third refusal ends it"
    task_id = (await mira.paste(PRIVATE)).json()["task_id"]
    async with asyncio.timeout(PATIENCE):
        while "Connect GitHub again" not in (task := await mira.get(f"/integrations/tasks/{task_id}/"))["message"]:
            stack.check()
            await asyncio.sleep(0.1)
    assert task["status"] == "processing"
    assert task["retry_at"], "it looks again by itself"
    assert await waits(db)
    assert await state(mira, "github") == "needs_reauth"
    assert len((await mira.get("/notices/"))["notices"]) == 1

    public = await mira.paste_and_wait("https://github.com/tidewater-example/tidewatch")
    assert public.status_code == 200, "what everybody may see does not wait"

    await mira.connect()
    await settled(stack, db, task_id)
    assert (await mira.get(f"/integrations/tasks/{task_id}/"))["status"] == "completed"
    assert (await mira.get("/notices/"))["notices"] == []


async def test_keys_are_changed_while_imports_run_and_no_secret_is_anywhere(
    stack: Stack, db: Database, sandbox: SandboxClient, mira: Person
) -> None:
    await mira.connect()
    await mira.connect("youtube")
    assert (await mira.paste_and_wait(PRIVATE)).status_code == 200
    old, new = stack.settings["TOKEN_KEYS"], new_key("second")
    restart(stack, f"{old},{new}", "fetcher", "gateway")  # all can open what the new key will seal
    tasks = [(await mira.paste(PRIVATE_TOO)).json()["task_id"]]
    restart(stack, f"{new},{old}", "gateway")
    await mira.connect("youtube")  # sealed with the new key, and read by a fetcher that seals with the old one
    tasks.append((await mira.paste("https://youtu.be/sbxPrivate0")).json()["task_id"])
    await settled(stack, db, *tasks)
    restart(stack, f"{new},{old}", "fetcher")
    assert "second" in stack.thrive("keys", "rotate")
    assert "0 values" in stack.thrive("keys", "rotate"), "a second time there is nothing left to do"
    restart(stack, new, "fetcher", "gateway")
    await sandbox.expire_tokens("google", "mira")  # refreshed with what the new key alone opens
    tasks.append((await mira.paste("https://youtu.be/sbxTidePool")).json()["task_id"])
    await settled(stack, db, *tasks)
    for task_id in tasks:
        assert (await mira.get(f"/integrations/tasks/{task_id}/"))["status"] == "completed"

    ours = [old, new, *(stack.settings[name] for name in ("JWT_KEY", "WEBHOOK_KEY")), *mira.cookies]
    secrets = [secret.encode() for secret in (*ours, *await sandbox.secrets())]
    assert len(secrets) > 10
    places = {**await topics(stack), **await collections(db), **logs(stack), "answers": b"\n".join(mira.seen)}
    assert all(places.values()), "each place holds something to look through"
    assert PRIVATE.encode() in places["topics"]
    found = [place for place, content in places.items() if any(secret in content for secret in secrets)]
    assert not found


def restart(stack: Stack, token_keys: str, *names: str) -> None:
    stack.settings["TOKEN_KEYS"] = token_keys
    for name in names:
        stack.terminate(name)
    stack.start(*names)
    stack.until_ready(*names)


async def topics(stack: Stack) -> dict[str, bytes]:
    """All that stands in Kafka, with keys and headers."""
    records = await stack.records(*(topic.name for topic in TOPICS))
    parts = ((record.key or b"", record.value or b"", repr(record.headers).encode()) for record in records)
    return {"topics": b"\n".join(part for record in parts for part in record)}


async def collections(db: Database) -> dict[str, bytes]:
    return {
        f"collection {name}": "".join([repr(document) async for document in db[name].find()]).encode() or b"-"
        for name in await db.list_collection_names()
    }


def logs(stack: Stack) -> dict[str, bytes]:
    ours = (log for log in stack.folder.glob("*.log") if not log.name.startswith(SANDBOX))
    return {log.name: log.read_bytes() or b"-" for log in ours}


async def state(person: Person, provider: str) -> str:
    """Of their connection."""
    (connection,) = [c for c in (await person.get("/connections/"))["connections"] if c["provider"] == provider]
    return str(connection["state"])


async def waits(db: Database) -> bool:
    return await db.deferred.count_documents({"waits_for": {"$exists": True}}) == 1
