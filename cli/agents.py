"""`thrive agents create|list|pause|resume|remove`: the feed agents, by way of the gateway."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import httpx2
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cli.gateway import Gateway, OperatorSettings, RefusedError, as_operator

app = typer.Typer(
    help="Feed agents: accounts that import a channel's videos into the explore feed.", no_args_is_help=True
)

AGENTS = "/api/v1/agents/"
LINKS = {
    "WEBSITE": "Website",
    "TWITTER": "Twitter",
    "INSTAGRAM": "Instagram",
    "LINKEDIN": "LinkedIn",
    "GITHUB": "GitHub",
}
TOLD = {"display_name": "name", "avatar_url": "avatar", "links": "links"}
PAUSE = 1.0  # seconds between two requests for an import's status
PATIENCE = 60  # such requests that may fail in a row

Say = Callable[[str], None]
Username = Annotated[str, typer.Argument(help="The agent's username, as `thrive agents list` shows it.")]


def _option(name: str, help_: str) -> Any:
    return typer.Option(f"--{name.lower().replace('_', '-')}", envvar=name, help=help_)


@app.command("create")
def create_(
    channel_url: Annotated[str, _option("CHANNEL_URL", "A link of any form to the YouTube channel.")] = "",
    source_name: Annotated[str, _option("SOURCE_NAME", "The agent's name; its username is derived from it.")] = "",
    avatar: Annotated[str, _option("AVATAR", "https address of its picture.")] = "",
    website: Annotated[str, _option("WEBSITE", "https address of its website.")] = "",
    twitter: Annotated[str, _option("TWITTER", "https address of its Twitter page.")] = "",
    instagram: Annotated[str, _option("INSTAGRAM", "https address of its Instagram page.")] = "",
    linkedin: Annotated[str, _option("LINKEDIN", "https address of its LinkedIn page.")] = "",
    github: Annotated[str, _option("GITHUB", "https address of its GitHub page.")] = "",
) -> None:
    """Create an agent for a channel, import the channel's videos, and print the agent's address.

    If the channel already has an agent, change its name, avatar and links to those that are given.
    """
    links = {"WEBSITE": website, "TWITTER": twitter, "INSTAGRAM": instagram, "LINKEDIN": linkedin, "GITHUB": github}
    parameters = {"CHANNEL_URL": channel_url, "SOURCE_NAME": source_name, "AVATAR": avatar, **links}
    if problems := malformed(parameters):
        for problem in problems:
            typer.echo(problem, err=True)
        raise typer.Exit(2)
    with _gateway() as gateway:
        if not create(gateway, request_of(parameters), typer.echo):
            raise typer.Exit(1)


@app.command("list")
def list_() -> None:
    """List the agents, newest first. In a pipe: a line for each, its fields separated by tabs."""
    with _gateway() as gateway:
        agents = list(listed(gateway))
    console = Console()
    told = shown(agents, console.width if console.is_terminal else None)
    typer.echo(told, nl=bool(told))


@app.command()
def pause(username: Username) -> None:
    """Stop importing new videos. The agent's projects stay."""
    _change(username, {"paused": True})


@app.command()
def resume(username: Username) -> None:
    """Import new videos again."""
    _change(username, {"paused": False})


@app.command()
def remove(
    username: Username, yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False
) -> None:
    """Remove an agent with all its projects. While its videos are being imported: pause it, wait, then remove it."""
    yes or typer.confirm(f"Remove {username} and all its projects?", abort=True)
    with _gateway() as gateway:
        _of_agent(gateway, "DELETE", username)
    typer.echo(f"Removed the agent {username}.")


def malformed(parameters: Mapping[str, str]) -> list[str]:
    """What is wrong with which parameter, in words."""
    missing = [f"{name} is missing." for name in ("CHANNEL_URL", "SOURCE_NAME") if not parameters[name].strip()]
    addresses = (name for name in ("AVATAR", *LINKS) if parameters[name] and not _is_address(parameters[name]))
    return missing + [f"{name} is not an https:// address." for name in addresses]


def request_of(parameters: Mapping[str, str]) -> dict[str, Any]:
    links = [{"title": title, "url": parameters[name]} for name, title in LINKS.items() if parameters[name]]
    return {
        "channel_url": parameters["CHANNEL_URL"],
        "name": parameters["SOURCE_NAME"],
        "avatar_url": parameters["AVATAR"] or None,
        "links": links,
    }


def create(gateway: Gateway, body: dict[str, Any], say: Say, sleep: Callable[[float], None] = time.sleep) -> bool:
    """True once its channel has been imported; tells how that goes, and where the agent is."""
    try:
        answer = gateway.call("POST", AGENTS, body)
    except RefusedError as refused:
        raise _of_parameters(refused, body) from None
    agent, task = answer["agent"], answer["agent"].get("task")
    if answer["created"]:
        say(f"Created agent {agent['display_name']} ({agent['username']}).")
    elif changes := changed(agent, body):
        gateway.call("PATCH", _path(agent["username"]), changes)
        say(f"Changed {', '.join(TOLD[name] for name in changes)} of the agent {agent['username']}.")
    else:
        say(f"The channel has this agent already: {agent['display_name']} ({agent['username']}).")
    told, failures = "", 0
    while task and task["status"] not in ("completed", "failed"):
        told = _tell(task, told, say)
        sleep(PAUSE)
        try:
            task, failures = gateway.call("GET", _path(agent["username"])).get("task"), 0
        except (httpx2.HTTPError, RefusedError):
            if (failures := failures + 1) > PATIENCE:
                raise
    if task:
        _tell(task, told, say)
    say(f"{gateway.url}{agent['profile_url']}")
    return not task or task["status"] == "completed"


def changed(agent: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """What a PATCH must say to make the agent what `body` asks for; what `body` leaves out stays as it is."""
    given = {link["title"]: link for link in body.get("links", ())}
    kept = [given.pop(link["title"], link) for link in agent["links"]]
    wanted = {
        "display_name": body.get("name"), "avatar_url": body.get("avatar_url"), "links": [*kept, *given.values()],
    }  # fmt: skip
    return {name: value for name, value in wanted.items() if value is not None and value != agent[name]}


def listed(gateway: Gateway) -> Iterator[dict[str, Any]]:
    path: str | None = f"{AGENTS}?limit=100"
    while path:
        page = gateway.call("GET", path)
        yield from page["agents"]
        cursor = page.get("next_cursor")
        path = f"{AGENTS}?limit=100&cursor={cursor}" if cursor else None


def shown(agents: Iterable[Mapping[str, Any]], width: int | None) -> str:
    """A table of this width, which folds what is too long; without one, plain lines."""
    rows = [_row(agent) for agent in agents]
    if width is None:
        return "\n".join("\t".join(row) for row in rows)
    whole = Column("username", no_wrap=True)  # to be copied
    table = Table(whole, *(Column(name, overflow="fold") for name in ("name", "channel", "state", "last synced")))
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def _row(agent: Mapping[str, Any]) -> list[str]:
    source = agent.get("source") or {}
    state = "paused" if source.get("sync_enabled") is False else source.get("state")
    row = (agent["username"], agent["display_name"], source.get("url"), state, source.get("last_synced_at"))
    return [str(cell or "") for cell in row]


def _of_parameters(refused: RefusedError, body: Mapping[str, Any]) -> RefusedError:
    """The same, by the names of the parameters that the request was made of."""
    about_channel = refused.error_code in ("INVALID_URL", "CONTENT_NOT_FOUND")
    return RefusedError(
        f"CHANNEL_URL: {refused.error}" if about_channel else refused.error,
        error_code=refused.error_code,
        fields=[(_parameter(field, body), problem) for field, problem in refused.fields],
        suggestion=refused.suggestion,
    )


def _parameter(field: str, body: Mapping[str, Any]) -> str:
    names = {title: name for name, title in LINKS.items()}
    links = {f"links.{place}": names[link["title"]] for place, link in enumerate(body.get("links", ()))}
    fields = {"channel_url": "CHANNEL_URL", "name": "SOURCE_NAME", "avatar_url": "AVATAR", **links}
    return fields.get(field.removesuffix(".url"), field)


def _tell(task: Mapping[str, Any], told: str, say: Say) -> str:
    """Says what has changed, and returns it."""
    words = f"{task['progress']:3} %  {task['message']}"
    if words != told:
        say(words)
    return words


def _path(username: str) -> str:
    return f"{AGENTS}{quote(username, safe='')}/"


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and bool(parts.hostname)
        and not parts.username
        and text.isprintable()
        and " " not in text
    )


def _change(username: str, body: dict[str, Any]) -> None:
    with _gateway() as gateway:
        agent = _of_agent(gateway, "PATCH", username, body)
    does = "imports no new videos until it is resumed" if body["paused"] else "imports new videos again"
    typer.echo(f"The agent {agent['username']} {does}.")


def _of_agent(gateway: Gateway, method: str, username: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        return gateway.call(method, _path(username), body)
    except RefusedError as refused:
        if refused.error_code != "NOT_FOUND":
            raise
        raise RefusedError(f"No agent named {username}; see `thrive agents list`.") from None


@contextmanager
def _gateway() -> Iterator[Gateway]:
    try:
        settings = OperatorSettings()
        yield as_operator(settings)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            typer.echo(f"{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}", err=True)
    except httpx2.HTTPError as error:
        typer.echo(f"Cannot reach the gateway at {settings.address} ({type(error).__name__}). Is it running?", err=True)
    except (RefusedError, ValueError) as error:
        typer.echo(str(error), err=True)
    else:
        return
    raise typer.Exit(1)
