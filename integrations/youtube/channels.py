"""YouTube's channels: how one is found by its name, and what its pushes are about.

https://developers.google.com/youtube/v3/docs/channels/list
"""

from urllib.parse import parse_qs, urlsplit

from integrations.collection import FoundCollection
from integrations.credentials import Credentials
from integrations.youtube.client import Channel, YouTubeClient
from integrations.youtube.feed import parse
from integrations.youtube.settings import YouTubeSettings
from integrations.youtube.urls import ChannelName, channel_name, channel_url
from kit.errors import ContentNotFoundError
from kit.upstream import Upstream


class Channels:
    """See `integrations.collection`."""

    noun = "channel"

    def __init__(self, settings: YouTubeSettings) -> None:
        self._settings = settings

    async def find(
        self, text: str, http: Upstream, credentials: Credentials, *, must_exist: bool = False
    ) -> FoundCollection:
        """A link of any form, a bare id, or a handle. To ask for a channel costs a unit."""
        name = channel_name(text)
        if name.parameter == "id" and not must_exist:
            return FoundCollection(
                YouTubeClient.name, channel_url(name.value), name.value, name.value, {"channel_id": name.value}
            )
        channel = await find(YouTubeClient(self._settings, http, credentials), name)
        return FoundCollection(
            YouTubeClient.name, channel_url(channel.id), channel.id, channel.title, metadata_of(channel)
        )

    def url_of(self, collection_id: str) -> str:
        return channel_url(collection_id)

    def topic(self, collection_id: str) -> str:
        return f"{self._settings.youtube_feeds_url}/videos.xml?channel_id={collection_id}"

    def names(self, topic: str, collection_id: str) -> bool:
        try:
            return parse_qs(urlsplit(topic).query, max_num_fields=10).get("channel_id") == [collection_id]
        except ValueError:
            return False

    def pushed(self, body: bytes, collection_id: str) -> tuple[str, ...]:
        about = (entry for entry in parse(body) if entry.channel_id == collection_id)
        return tuple(f"{entry.video_id} {entry.updated}" for entry in about)


async def find(api: YouTubeClient, name: ChannelName) -> Channel:
    """One unit. Raises ContentNotFoundError, with a hint where the name is of a kind that no request finds."""
    if channel := await api.channel(name):
        return channel
    if name.custom:
        raise ContentNotFoundError(
            "YouTube finds no channel by this link.",
            suggestion="Open the channel, and paste the address of its handle, like https://youtube.com/@handle.",
        )
    raise ContentNotFoundError("YouTube has no such channel.", suggestion="Check the channel's link or handle.")


def metadata_of(channel: Channel) -> dict[str, str | int | None]:
    """As a source shows it."""
    return {
        "channel_id": channel.id,
        "channel_name": channel.title,
        "subscriber_count": channel.subscriber_count,
        "image_url": channel.image_url,
    }
