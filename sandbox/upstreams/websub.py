"""Google's WebSub hub: subscribe, verify, deliver, and forget when the lease ends. https://www.w3.org/TR/websub/"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sandbox.changes import known
from sandbox.courier import Courier, Delivery
from sandbox.exchange import Call, Reply
from sandbox.faults import Rule

HUB = "https://pubsubhubbub.appspot.com/"
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
RETRY_AFTER = 120  # seconds, as the hub says when it takes no subscriptions
_MOST_SECRET_BYTES = 200


@dataclass
class Behaviour:
    """What a test can make the hub do."""

    dropping: bool = False  # accepts everything and delivers nothing
    denying: bool = False  # answers a subscription with hub.mode=denied
    lease_seconds: int = 432_000  # the longest that it grants
    algorithm: str = "sha1"  # of the signature: sha1, sha256, sha384, sha512
    forging: bool = False  # signs with another secret


@dataclass
class Subscription:
    topic: str
    callback: str
    secret: str
    until: float  # by the sandbox's clock

    @property
    def channel_id(self) -> str:
        return channel_of(self.topic)


class Hub:
    name = "hub"
    kinds = frozenset({"unavailable"})

    def __init__(self, courier: Courier, clock: Callable[[], float]) -> None:
        self._courier = courier
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self.behaviour = Behaviour()
        self._subscriptions: dict[tuple[str, str], Subscription] = {}

    def behave(self, changes: dict[str, Any]) -> None:
        """Raises `ValueError` for what the hub cannot do."""
        if changes.get("algorithm", "sha1") not in ("sha1", "sha256", "sha384", "sha512"):
            raise ValueError("the algorithm is sha1, sha256, sha384 or sha512")
        for name, value in known(changes, Behaviour, set()).items():
            setattr(self.behaviour, name, value)

    def endpoint(self, path: str) -> str:
        return path

    def fail(self, call: Call, rule: Rule) -> Reply:
        wait = RETRY_AFTER if rule.retry_after is None else rule.retry_after
        return Reply(rule.status or 503, TEXT | {"Retry-After": f"{wait:g}"}, b"Service Unavailable")

    def answer(self, call: Call) -> Reply:
        """202, and the callback is asked whether it meant it; 400 with the reason."""
        if call.method != "POST" or call.path not in ("/subscribe", "/", ""):
            return Reply(404, TEXT, b"Not Found")
        form = {name: values[0] for name, values in parse_qs(call.body.decode(errors="replace")).items()}
        if complaint := _complaint(form):
            return Reply(400, TEXT, complaint.encode())
        self._courier.later(self._verify(form))
        return Reply(202, TEXT, b"")

    async def publish(self, channel_id: str, body: bytes) -> list[Delivery]:
        """To every subscriber whose lease has not ended. One that answers 410 is forgotten."""
        if self.behaviour.dropping:
            return []
        now = self._clock()
        told = {
            key: one for key, one in self._subscriptions.items() if one.channel_id == channel_id and one.until > now
        }
        sent = await asyncio.gather(*(self._courier.send(self._delivery(one, body)) for one in told.values()))
        for key, delivery in zip(told, sent, strict=True):
            if delivery.status == 410:
                self._subscriptions.pop(key, None)
        return sent

    def described(self) -> list[dict[str, Any]]:
        """The subscriptions whose lease has not ended."""
        now = self._clock()
        return [
            {"topic": one.topic, "callback": one.callback, "secret": one.secret, "seconds_left": one.until - now}
            for one in self._subscriptions.values()
            if one.until > now
        ]

    def _delivery(self, to: Subscription, body: bytes) -> Delivery:
        headers = {
            "Content-Type": "application/atom+xml",
            "Link": f"<{to.topic}>; rel=self, <{HUB}>; rel=hub",
            "User-Agent": "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
            "From": "googlebot(at)googlebot.com",
        }
        if to.secret:
            secret = "forged" if self.behaviour.forging else to.secret
            headers["X-Hub-Signature"] = signature(self.behaviour.algorithm, secret, body)
        return Delivery("websub", to.channel_id, "POST", to.callback, headers, body)

    async def _verify(self, form: dict[str, str]) -> None:
        mode, topic, callback = form["hub.mode"], form["hub.topic"], form["hub.callback"]
        challenge, key = secrets.token_urlsafe(24), (topic, callback)
        asked = form.get("hub.lease_seconds", "")
        lease = self.behaviour.lease_seconds
        lease = min(lease, int(asked)) if asked.isdecimal() and int(asked) else lease
        query = {"hub.topic": topic, "hub.challenge": challenge, "hub.mode": mode, "hub.lease_seconds": str(lease)}
        if self.behaviour.denying:
            query = {"hub.mode": "denied", "hub.topic": topic, "hub.reason": "not allowed"}
        url = f"{callback}{'&' if '?' in callback else '?'}{urlencode(query)}"
        delivery = await self._courier.send(Delivery("verification", channel_of(topic), "GET", url))
        if self.behaviour.denying:
            self._subscriptions.pop(key, None)
        elif 200 <= delivery.status < 300 and delivery.answer == challenge:
            if mode == "subscribe":
                self._subscriptions[key] = Subscription(
                    topic, callback, form.get("hub.secret", ""), self._clock() + lease
                )
            else:
                self._subscriptions.pop(key, None)


def signature(algorithm: str, secret: str, body: bytes) -> str:
    """`sha1=…`, as X-Hub-Signature has it."""
    return f"{algorithm}={hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()}"


def channel_of(topic: str) -> str:
    """Both forms of a feed's address name it in the query."""
    return parse_qs(urlsplit(topic).query).get("channel_id", [""])[0]


def _complaint(form: dict[str, str]) -> str:
    if form.get("hub.mode") not in ("subscribe", "unsubscribe"):
        return "Invalid value for hub.mode"
    if not form.get("hub.callback", "").startswith(("http://", "https://")):
        return "Invalid parameter: hub.callback"
    if not channel_of(form.get("hub.topic", "")):
        return "Invalid parameter: hub.topic"
    if len(form.get("hub.secret", "").encode()) >= _MOST_SECRET_BYTES:
        return "Invalid parameter: hub.secret"
    return ""
