"""Where hubs and GitHub push. They bring no token of a member's: a secret address or a signature says who they are.

Nothing here is needed: what is not pushed is found at the source's next sync.
"""

import structlog
from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from integrations.github import webhook
from integrations.registry import IntegrationRegistry
from integrations.youtube.feed import FeedError, parse
from integrations.youtube.urls import channel_url
from kit.errors import InvalidURLError
from records.sources.websub import PATH
from services.gateway.integrations.service import RegistryDep
from services.gateway.web.errors import InvalidRequestError, NotFoundError, SignatureError, SubscriptionGoneError
from services.gateway.web.metrics import PUSHES
from services.gateway.web.provided import SettingsDep
from services.gateway.webhooks.service import Pushes, PushesDep
from services.gateway.webhooks.signatures import GITHUB, WEBSUB, is_signed
from services.gateway.webhooks.websub import Subscriptions, SubscriptionsDep

MAX_DELIVERY_ID = 100

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)


@router.get(PATH + "{token}/")
async def confirm_subscription(
    token: str,
    subscriptions: SubscriptionsDep,
    mode: str = Query("", alias="hub.mode", max_length=20),
    topic: str = Query("", alias="hub.topic", max_length=500),
    challenge: str = Query("", alias="hub.challenge", max_length=500),
    lease_seconds: str | None = Query(None, alias="hub.lease_seconds", max_length=20),
) -> Response:
    """A hub asks whether we want what it was asked for; only what is pending is confirmed."""
    subscription = await subscriptions.find(token)
    if subscription is None:
        raise NotFoundError("Unexpected verification request.")
    channel_id = subscription.channel_id
    if mode == "denied" and await subscriptions.deny(channel_id, topic):
        log.warning("hub denied a subscription")
        return Response(status_code=204)
    if challenge and await subscriptions.confirm(channel_id, mode, topic, lease_seconds):
        return PlainTextResponse(challenge)
    raise NotFoundError("Unexpected verification request.")


@router.post(PATH + "{token}/")
async def receive_feed(token: str, request: Request, subscriptions: SubscriptionsDep, pushes: PushesDep) -> Response:
    """New, edited and deleted uploads of one channel. What is not signed is told nothing."""
    subscription = await subscriptions.find(token)
    if subscription is None:
        PUSHES.labels("websub", "unknown").inc()
        raise SubscriptionGoneError("There is no such subscription.")
    body = await request.body()
    if not is_signed(body, request.headers.get("x-hub-signature"), subscription.secret, methods=WEBSUB):
        PUSHES.labels("websub", "unsigned").inc()
        return Response(status_code=204)
    PUSHES.labels("websub", await _uploads(subscriptions, pushes, subscription.channel_id, body)).inc()
    return Response(status_code=204)


async def _uploads(subscriptions: Subscriptions, pushes: Pushes, channel_id: str, body: bytes) -> str:
    """What became of it."""
    try:
        entries = parse(body)
    except FeedError as error:
        log.warning("pushed feed cannot be read", reason=str(error))
        return "unreadable"
    about = [f"websub {entry.video_id} {entry.updated}" for entry in entries if entry.channel_id == channel_id]
    async with pushes.once(*about) as news:
        if not news:
            return "repeated" if about else "foreign"
        if await pushes.request_sync("youtube", [channel_url(channel_id)]):
            return "requested"
    await subscriptions.unwanted(channel_id)
    return "unfollowed"


@router.post("/webhooks/github/")
async def receive_github(request: Request, settings: SettingsDep, registry: RegistryDep, pushes: PushesDep) -> Response:
    """`push` and `repository` events. Answers within GitHub's ten seconds, since the sync comes later."""
    secret = settings.github_webhook_secret
    if not secret.get_secret_value():
        raise NotFoundError("GitHub's webhooks are not set up here.")
    body = await request.body()
    signature = request.headers.get("x-hub-signature-256")
    if not is_signed(body, signature, secret, methods=GITHUB):
        PUSHES.labels("github", "unsigned").inc()
        raise SignatureError("The delivery is not signed with the webhook's secret.")
    delivery = request.headers.get("x-github-delivery", "")
    if not 0 < len(delivery) <= MAX_DELIVERY_ID:
        raise InvalidRequestError("The X-GitHub-Delivery header is missing or too long.")
    event = request.headers.get("x-github-event", "")
    outcome = await _repositories(registry, pushes, event, delivery, body, str(signature))
    PUSHES.labels("github", outcome).inc()
    return Response(status_code=202 if outcome == "requested" else 204)


async def _repositories(
    registry: IntegrationRegistry, pushes: Pushes, event: str, delivery: str, body: bytes, signature: str
) -> str:
    """What became of it."""
    about = []
    try:
        links = webhook.links(event, body)
    except ValueError as error:
        raise InvalidRequestError(str(error), suggestion="Let the webhook send `application/json`.") from None
    for link in links:
        try:
            about.append(registry.recognise(link).url)
        except InvalidURLError:
            return "foreign"
    if not about:
        return "irrelevant"
    # By the signature too: the delivery's id is not signed, and whoever repeats the body could make up another.
    names = f"github {delivery}", f"github {signature}"
    async with pushes.once(*names) as news:
        if len(news) < len(names):
            return "repeated"
        return "requested" if await pushes.request_sync("github", about) else "unfollowed"
