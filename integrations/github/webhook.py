"""Which repositories a webhook's delivery is about. Pure.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from pydantic import BaseModel, Field, ValidationError

from integrations.webhook import Webhook

EVENTS = frozenset({"push", "repository"})


class _Named(BaseModel):
    login: str = Field(max_length=200)


class _FormerOwner(BaseModel):
    user: _Named | None = None
    organization: _Named | None = None


class _OwnerChange(BaseModel):
    former: _FormerOwner = Field(alias="from")


class _NameChange(BaseModel):
    former: str = Field(alias="from", max_length=200)


class _RepositoryChange(BaseModel):
    name: _NameChange | None = None


class _Changes(BaseModel):
    owner: _OwnerChange | None = None
    repository: _RepositoryChange | None = None


class _Repository(BaseModel):
    html_url: str = Field(max_length=2_048, pattern=r"/[^/]+/[^/]+$")
    default_branch: str | None = None


class _Delivery(BaseModel):
    repository: _Repository
    ref: str | None = None
    changes: _Changes | None = None


def links(event: str, body: bytes) -> list[str]:
    """The repository's link and, where it was renamed or moved, its former one. None for what changes nothing that a
    project shows: other events, and pushes beside the default branch.

    Raises ValueError for a body that is no such event.
    """
    if event not in EVENTS:
        return []
    try:
        delivery = _Delivery.model_validate_json(body)
    except ValidationError:
        raise ValueError(f"The body is not a `{event}` event.") from None
    repository = delivery.repository
    branch = repository.default_branch
    if event == "push" and branch and delivery.ref and delivery.ref != f"refs/heads/{branch}":
        return []
    former = _former_link(repository.html_url, delivery.changes or _Changes())
    return [repository.html_url, former] if former else [repository.html_url]


def _former_link(link: str, changes: _Changes) -> str | None:
    base, owner, name = link.rsplit("/", 2)
    if changes.repository and changes.repository.name:
        return f"{base}/{owner}/{changes.repository.name.former}"
    if changes.owner and (account := changes.owner.former.user or changes.owner.former.organization):
        return f"{base}/{account.login}/{name}"
    return None


WEBHOOK = Webhook(
    secret="github_webhook_secret",  # noqa: S106
    signature_header="X-Hub-Signature-256",
    delivery_header="X-GitHub-Delivery",
    event_header="X-GitHub-Event",
    links=links,
)
