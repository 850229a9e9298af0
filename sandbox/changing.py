"""The switches that change what upstreams know. Whoever subscribed is told before the switch answers.

PATCH  /_sandbox/repositories/{owner}/{repo} · DELETE
POST   /_sandbox/repositories/{owner}/{repo}/push      tells the webhook of its newest commit once more
POST   /_sandbox/channels/{id or @handle}/videos       uploads: fields of `Video`; answers {id}
PATCH  /_sandbox/channels/{id or @handle} · DELETE
PATCH  /_sandbox/videos/{id} · DELETE
POST   /_sandbox/videos/{id}/push                      tells the hub's subscribers of it once more
PUT    /_sandbox/hub                                   {dropping, denying, lease_seconds, algorithm, forging}
GET    /_sandbox/hub                                   the subscriptions
PUT    /_sandbox/webhooks                              {url, secret}: where GitHub's webhooks go
GET    /_sandbox/deliveries?kind=                      what was pushed, and how it was taken
POST   /_sandbox/deliveries/{id}                       the same request again, to the letter
"""

from dataclasses import asdict
from typing import Any

from sandbox.courier import Courier, Delivery
from sandbox.data.model import Video
from sandbox.upstreams.github.webhooks import Webhooks
from sandbox.upstreams.websub import Hub
from sandbox.upstreams.youtube import feeds
from sandbox.world import World

Answer = dict[str, Any] | None


class Changing:
    def __init__(self, world: World, hub: Hub, webhooks: Webhooks, courier: Courier) -> None:
        self._world = world
        self._hub = hub
        self._webhooks = webhooks
        self._courier = courier

    async def route(self, method: str, path: list[str], body: dict[str, Any], query: dict[str, str]) -> Answer:
        """None: no such switch. Raises `ValueError` for what cannot be."""
        match path:
            case ["repositories", owner, name, *rest]:
                return await self._repository(method, f"{owner}/{name}", rest, body)
            case ["channels", channel, *rest]:
                return await self._channel(method, channel, rest, body)
            case ["videos", video_id, *rest]:
                return await self._video(method, video_id, rest, body)
        return await self._pushing(method, path, body, query)

    async def _repository(self, method: str, full_name: str, rest: list[str], body: dict[str, Any]) -> Answer:
        before = self._world.repository(full_name)
        match method, rest:
            case "PATCH", []:
                after = self._world.change_repository(full_name, body)
                return {"full_name": after.full_name, **_sent(await self._webhooks.changed(before, after))}
            case "DELETE", []:
                self._world.delete_repository(full_name)
                return _sent(await self._webhooks.changed(before, None) if before else [])
            case "POST", ["push"]:
                if before is None:
                    raise ValueError(f"no repository {full_name!r}")
                return _sent(await self._webhooks.push(before))
        return None

    async def _channel(self, method: str, channel: str, rest: list[str], body: dict[str, Any]) -> Answer:
        channels = self._world.channels
        match method, rest:
            case "POST", ["videos"]:
                video = channels.upload(channel, body)
                return {"id": video.id, **await self._tell(None, video)}
            case "PATCH", []:
                return {"id": channels.change_channel(channel, body).id}
            case "DELETE", []:
                channels.delete_channel(channel)
                return {}
        return None

    async def _video(self, method: str, video_id: str, rest: list[str], body: dict[str, Any]) -> Answer:
        channels = self._world.channels
        before = channels.video(video_id)
        match method, rest:
            case "PATCH", []:
                return {"id": video_id, **await self._tell(before, channels.change_video(video_id, body))}
            case "DELETE", []:
                channels.delete_video(video_id)
                return await self._tell(before, None)
            case "POST", ["push"]:
                if before is None:
                    raise ValueError(f"no video {video_id!r}")
                return _sent(await self._hub.publish(before.channel.id, feeds.notification(before)))
        return None

    async def _pushing(self, method: str, path: list[str], body: dict[str, Any], query: dict[str, str]) -> Answer:
        match method, path:
            case "PUT", ["hub"]:
                self._hub.behave(body)
                return asdict(self._hub.behaviour)
            case "GET", ["hub"]:
                return {"subscriptions": self._hub.described()}
            case "PUT", ["webhooks"]:
                self._webhooks.configure(**body)
                return {}
            case "GET", ["deliveries"]:
                return {"deliveries": self._courier.described(query.get("kind", ""))}
            case "POST", ["deliveries", number]:
                return _sent([await self._courier.send_again(int(number))])
        return None

    async def _tell(self, before: Video | None, after: Video | None) -> dict[str, Any]:
        """Of what the public sees: a video that is new, reads differently or is no longer there."""
        was = before if before and before.privacy == "public" else None
        now = after if after and after.privacy == "public" else None
        if now and (was is None or was.updated != now.updated):
            return _sent(await self._hub.publish(now.channel.id, feeds.notification(now)))
        if was and now is None:
            return _sent(await self._hub.publish(was.channel.id, feeds.deletion(was)))
        return _sent([])


def _sent(deliveries: list[Delivery]) -> dict[str, Any]:
    return {"deliveries": [one.described() for one in deliveries]}
