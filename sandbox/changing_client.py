"""The part of the client that changes what upstreams know (sandbox/changing.py)."""

from abc import abstractmethod
from typing import Any

from sandbox.upstreams.github.webhooks import SECRET

Deliveries = list[dict[str, Any]]


class ChangingClient:
    """What subscribers are told of a change has been sent when its method returns.

    A delivery is {id, kind, about, method, url, headers, body, status, answer}; status 0: nobody answered in time.
    """

    async def change_repository(self, full_name: str, /, **changes: Any) -> Deliveries:
        """Fields of `sandbox.data.model.Repository`; `readme` is text or None, `full_name` renames."""
        return await self._told("PATCH", f"/repositories/{full_name}", changes)

    async def delete_repository(self, full_name: str) -> Deliveries:
        return await self._told("DELETE", f"/repositories/{full_name}")

    async def push_repository(self, full_name: str) -> Deliveries:
        """Tells the webhook of the newest commit once more, under a new delivery id."""
        return await self._told("POST", f"/repositories/{full_name}/push")

    async def upload(self, channel: str, /, **video: Any) -> str:
        """A new video of a channel (UC… or @handle), with fields of `sandbox.data.model.Video`. Returns its id."""
        return str((await self._do("POST", f"/channels/{channel}/videos", video))["id"])

    async def change_video(self, video_id: str, /, **changes: Any) -> Deliveries:
        """Fields of `sandbox.data.model.Video`. Numbers alone are no news to subscribers."""
        return await self._told("PATCH", f"/videos/{video_id}", changes)

    async def delete_video(self, video_id: str) -> Deliveries:
        """Among the channel's uploads an entry without a video stays."""
        return await self._told("DELETE", f"/videos/{video_id}")

    async def push_video(self, video_id: str) -> Deliveries:
        """Tells the hub's subscribers of it once more."""
        return await self._told("POST", f"/videos/{video_id}/push")

    async def change_channel(self, channel: str, /, **changes: Any) -> None:
        """Fields of `sandbox.data.model.Channel`."""
        await self._do("PATCH", f"/channels/{channel}", changes)

    async def delete_channel(self, channel: str) -> None:
        await self._do("DELETE", f"/channels/{channel}")

    async def hub(self, **behaviour: Any) -> None:
        """Fields of `sandbox.upstreams.websub.Behaviour`. A hub that answers 503: `fault("hub", "unavailable")`."""
        await self._do("PUT", "/hub", behaviour)

    async def subscriptions(self) -> list[dict[str, Any]]:
        """What the hub was asked for and verified: topic, callback, secret, seconds_left of the lease."""
        found: list[dict[str, Any]] = (await self._do("GET", "/hub"))["subscriptions"]
        return found

    async def webhooks(self, url: str, secret: str = SECRET) -> None:
        """Where GitHub's webhooks go from now on; an empty url ends them."""
        await self._do("PUT", "/webhooks", {"url": url, "secret": secret})

    async def deliveries(self, kind: str = "") -> Deliveries:
        """All that was sent, oldest first: `websub`, `verification`, `github`."""
        found: Deliveries = (await self._do("GET", f"/deliveries?kind={kind}"))["deliveries"]
        return found

    async def redeliver(self, delivery_id: int) -> Deliveries:
        """The same request again, to the letter."""
        return await self._told("POST", f"/deliveries/{delivery_id}")

    async def _told(self, method: str, path: str, body: dict[str, Any] | None = None) -> Deliveries:
        told: Deliveries = (await self._do(method, path, body))["deliveries"]
        return told

    @abstractmethod
    async def _do(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]: ...
