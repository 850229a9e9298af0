"""`make demo`: the whole system against the sandbox; its public HTTP API connects accounts and imports links."""

import asyncio
import secrets
import time
from contextlib import ExitStack
from typing import Annotated, Any

import httpx2
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from cli.token import TokenSettings, make_token
from demo.agent import curate
from demo.imports import API, MEMBER, Import, demo_links, import_all
from demo.oauth_browser import browser, connect
from demo.table import board
from deploy.local.cli_errors import in_plain_words
from deploy.local.engine import LOOPBACK, EngineError, holder
from deploy.local.environment import of_this_machine, read_env
from deploy.local.keys import local_jwt_key, local_token_keys, local_webhook_key
from deploy.local.processes import only_one
from deploy.local.signals import interruptible
from deploy.local.stack import Stack, StackSettings, demo_stack
from sandbox.client import SandboxClient

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)

MORE = """\
curl -s -H 'Prefer: wait=20' -H 'Content-Type: application/json' \\
  -H 'Authorization: Bearer {token}' \\
  -d '{{"url": "https://github.com/tidewater-example/lighthouse"}}' {url}/api/v1/integrations/import/

Or be a member yourself, in a browser; the sandbox asks who you are:
{url}/auth/github/start/?return_to=/api/v1/me/
{url}/api/v1/connections/github/start/?private=true&return_to=/api/v1/github/repos/

What operators see:
.venv/bin/thrive --env-file {env} imports list --state failed
.venv/bin/thrive --env-file {env} failed list"""


@app.command()
def demo(
    exit_: Annotated[
        bool, typer.Option("--exit", help="exit after the imports; status 0 if every import ended as expected")
    ] = False,
    user: Annotated[str, typer.Option(help="who imports; a new member on each run by default")] = "",
) -> None:
    """Connect GitHub and YouTube, import a dozen links and a private one through Kafka and MongoDB, and keep running.

    GitHub, YouTube and their consent pages are the sandbox's.

    Data and logs are under LOCAL_DIR (.local), in demo. KAFKA_BOOTSTRAP_SERVERS and MONGODB_URL name those that run
    elsewhere. Ports that are taken are replaced by free ones.
    """
    user = user or f"demo-{secrets.token_hex(3)}"  # what earlier runs imported stays theirs
    stopped = 130  # the status of an end by Ctrl-C, until there is nothing left to wait for
    read_env(only=of_this_machine)
    with interruptible(), in_plain_words():
        try:
            settings = StackSettings()
            key = local_jwt_key(settings.local_dir)
            keys = {
                "JWT_KEY": key,
                "TOKEN_KEYS": local_token_keys(settings.local_dir),
                "WEBHOOK_KEY": local_webhook_key(settings.local_dir),
            }
            with ExitStack() as stopping:
                stopping.enter_context(only_one(settings.demo_dir, "A demo"))
                stack = demo_stack(settings, keys)
                if stack.ports["gateway"] != settings.port:
                    taken = f"Port {settings.port} is taken{holder(settings.port)}"
                    _say(f"{taken}: the gateway will answer at {stack.url}.")
                with console.status("Starting Kafka, MongoDB and the services …"):
                    processes = stopping.enter_context(stack.running(_say))
                signer = TokenSettings.model_construct(jwt_key=SecretStr(key))
                token = make_token(signer, user, 12)
                operator = make_token(signer, "operator", 1, roles=("operator",))
                ok = asyncio.run(_show(stack, user, token, operator))
                if exit_:
                    _say("Stopping …")
                    raise typer.Exit(0 if ok else 1)
                _say(f"\nThe gateway keeps running at {stack.url}; logs: {stack.logs}. Ctrl-C stops everything. Try:\n")
                _say(MORE.format(token=token, url=stack.url, env=stack.operator_env))
                stopped = 0 if ok else 1
                while all(processes.state(program) != "FATAL" for program in processes.programs):
                    time.sleep(1)
                raise EngineError(f"A process keeps crashing; see {stack.logs}.")
        except KeyboardInterrupt:
            _say("Stopped.")
            raise typer.Exit(stopped) from None


async def _show(stack: Stack, user: str, token: str, operator: str) -> bool:
    """Connect, import, print what came of it, and watch a feed agent. True if all went as it should."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=stack.url, headers=headers, timeout=30, trust_env=False) as client:
        await _connect_accounts(client, stack, user, token)
        _say(f"\n{user} pastes links:")
        with board(console) as changed:
            imports = await import_all(client, demo_links(), changed)
        await _print_projects(client, stack, user)
    went_well = _print_summary(imports)
    headers = {"Authorization": f"Bearer {operator}"}
    async with (
        httpx2.AsyncClient(base_url=stack.url, headers=headers, timeout=30, trust_env=False) as client,
        SandboxClient(f"http://{LOOPBACK}:{stack.ports['sandbox']}") as sandbox,
    ):
        with console.status("Waiting for the feed agent …"):
            return await curate(client, sandbox, _say) and went_well


async def _connect_accounts(client: httpx2.AsyncClient, stack: Stack, user: str, token: str) -> None:
    _say(f"\n{user} connects accounts:")
    async with browser() as window:
        for provider in ("github", "youtube"):
            held = await connect(window, stack.url, token, provider, MEMBER, private=provider == "github")
            _say(f"  {held['title']:<8} as {held['account_name']} · {' '.join(held['scopes'])}")
    repositories = (await _read(client, f"{API}/github/repos/"))["repositories"]
    hidden = sum(one["is_private"] for one in repositories)
    _say(f"  GitHub lists {len(repositories)} repositories of theirs, {hidden} of them private")


async def _print_projects(client: httpx2.AsyncClient, stack: Stack, user: str) -> None:
    projects = await _read(client, f"{API}/{user}/projects/?limit=100")
    points = await _read(client, f"{API}/points/")
    _say(f"\nProjects of {user}:")
    for project in projects["projects"]:
        technologies = ", ".join(project["technologies"]) or "no technologies"
        console.print(Text(f"  {project['title']}", "bold"), soft_wrap=True)
        _say(f"    {project['type']}, {project['project_type']} · {technologies}")
        _say(f"    {project['external_url']} → {stack.url}{API}/projects/{project['id']}/")
    _say(f"\nPoints of {user}: {points['total']}")


async def _read(client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def _print_summary(imports: list[Import]) -> bool:
    wrong = [one for one in imports if not one.as_expected]
    for one in wrong:
        _say(f"  ✗ {one.link.url}: {one.outcome}, not {one.link.outcome}. {one.error}")
    failures = sum(bool(one.error) and one.as_expected for one in imports)
    _say(
        f"{len(imports) - len(wrong)} of {len(imports)} imports ended as expected, "
        f"{failures} of them with the error that their link must give."
    )
    return not wrong


def _say(words: str) -> None:
    """Plain text, never cut: nothing in it is markup."""
    console.print(Text(words), soft_wrap=True)


if __name__ == "__main__":
    app()
