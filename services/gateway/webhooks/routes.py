"""Where hubs and providers push. They bring no member's token: a secret address or a signature says who they are.

Nothing here is needed: what is not pushed is found at the source's next sync.
"""

from collections.abc import Sequence

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import SecretStr
from starlette.responses import PlainTextResponse, Response

from integrations.collection import Collection
from integrations.registry import IntegrationRegistry
from kit.errors import InvalidURLError
from records.sources.websub import PATH
from services.gateway.integrations.service import RegistryDep
from services.gateway.web.errors import InvalidRequestError, NotFoundError, SignatureError, SubscriptionGoneError
from services.gateway.web.metrics import PUSHES
from services.gateway.web.provided import SettingsDep
from services.gateway.webhooks.service import Pushes, PushesDep
from services.gateway.webhooks.signatures import WEBSUB, is_signed
from services.gateway.webhooks.websub import Subscription, Subscriptions, SubscriptionsDep

MAX_DELIVERY_ID = 100

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)


@router.get(PATH + "{token}/")
async def confirm_subscription(
    token: str,
    subscriptions: SubscriptionsDep,
    registry: RegistryDep,
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
    if not _collection(registry, subscription).names(topic, channel_id):
        raise NotFoundError("Unexpected verification request.")
    if mode == "denied" and await subscriptions.deny(channel_id):
        log.warning("hub denied a subscription")
        return Response(status_code=204)
    if challenge and await subscriptions.confirm(channel_id, mode, lease_seconds):
        return PlainTextResponse(challenge)
    raise NotFoundError("Unexpected verification request.")


@router.post(PATH + "{token}/")
async def receive_feed(
    token: str, request: Request, subscriptions: SubscriptionsDep, pushes: PushesDep, registry: RegistryDep
) -> Response:
    """Receive what is new in one collection. A push that is not signed gets no answer that tells it so."""
    subscription = await subscriptions.find(token)
    if subscription is None:
        PUSHES.labels("websub", "unknown").inc()
        raise SubscriptionGoneError("There is no such subscription.")
    body = await request.body()
    if not is_signed(body, request.headers.get("x-hub-signature"), subscription.secret, methods=WEBSUB):
        PUSHES.labels("websub", "unsigned").inc()
        return Response(status_code=204)
    outcome = await _pushed(subscriptions, pushes, subscription, _collection(registry, subscription), body)
    PUSHES.labels("websub", outcome).inc()
    return Response(status_code=204)


async def _pushed(
    subscriptions: Subscriptions, pushes: Pushes, subscription: Subscription, collection: Collection, body: bytes
) -> str:
    """Sync what is followed of a pushed collection. Returns what became of the push, as its metric counts it."""
    try:
        changes = collection.pushed(body, subscription.channel_id)
    except ValueError as error:
        log.warning("pushed feed cannot be read", reason=str(error))
        return "unreadable"
    async with pushes.once(*(f"websub {change}" for change in changes)) as news:
        if not news:
            return "repeated" if changes else "foreign"
        if await pushes.request_sync(subscription.platform, [collection.url_of(subscription.channel_id)]):
            return "requested"
    await subscriptions.unwanted(subscription.channel_id)
    return "unfollowed"


def _collection(registry: IntegrationRegistry, subscription: Subscription) -> Collection:
    collection = registry.get(subscription.platform).collection
    assert collection is not None  # noqa: S101  # only those are subscribed to
    return collection


@router.post("/webhooks/{provider}/")
async def receive_delivery(
    provider: str, request: Request, settings: SettingsDep, registry: RegistryDep, pushes: PushesDep
) -> Response:
    """Receive an event of a provider's webhook. Answers at once, since the sync comes later."""
    integration = next((one for one in registry.list_all() if one.name == provider), None)
    webhook = integration.webhook if integration else None
    if integration is None or webhook is None:
        raise NotFoundError("There is no such webhook.")
    secret: SecretStr = getattr(settings, webhook.secret)
    if not secret.get_secret_value():
        raise NotFoundError(f"{integration.title}'s webhooks are not set up here.")
    body = await request.body()
    signature = request.headers.get(webhook.signature_header)
    if not is_signed(body, signature, secret, methods=webhook.methods):
        PUSHES.labels(provider, "unsigned").inc()
        raise SignatureError("The delivery is not signed with the webhook's secret.")
    delivery = request.headers.get(webhook.delivery_header, "")
    if not 0 < len(delivery) <= MAX_DELIVERY_ID:
        raise InvalidRequestError(f"The {webhook.delivery_header} header is missing or too long.")
    try:
        links = webhook.links(request.headers.get(webhook.event_header, ""), body)
    except ValueError as error:
        raise InvalidRequestError(str(error), suggestion="Let the webhook send `application/json`.") from None
    # By the signature too: the delivery's id is not signed, and somebody who repeats the body could make up another.
    names = f"{provider} {delivery}", f"{provider} {signature}"
    outcome = await _delivered(registry, pushes, provider, links, names)
    PUSHES.labels(provider, outcome).inc()
    return Response(status_code=202 if outcome == "requested" else 204)


async def _delivered(
    registry: IntegrationRegistry, pushes: Pushes, provider: str, links: Sequence[str], names: Sequence[str]
) -> str:
    """Sync what is followed under these links. Returns what became of the delivery, as its metric counts it."""
    try:
        about = [registry.recognise(link).url for link in links]
    except InvalidURLError:
        return "foreign"
    if not about:
        return "irrelevant"
    async with pushes.once(*names) as news:
        if len(news) < len(names):
            return "repeated"
        return "requested" if await pushes.request_sync(provider, about) else "unfollowed"
