"""Finds the channel that somebody names. https://developers.google.com/youtube/v3/docs/channels/list"""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.base import Credentials
from integrations.settings import IntegrationSettings
from integrations.youtube.client import Channel, YouTubeAPI
from integrations.youtube.urls import ChannelName, channel_name, channel_url
from kit.errors import ContentNotFoundError
from kit.upstream import Upstream


@dataclass(frozen=True, slots=True)
class NamedChannel:
    """What a source of it begins with."""

    url: str  # canonical
    title: str
    metadata: Mapping[str, str | int | None]


class Channels:
    """`http` may call YouTube's API."""

    def __init__(self, settings: IntegrationSettings, http: Upstream) -> None:
        self._settings = settings
        self._http = http

    async def named(self, text: str, credentials: Credentials) -> NamedChannel:
        """By a link of any form, a bare id, or a handle: an id is taken as it is, another name costs a unit.

        Raises InvalidURLError, and the errors of `find`.
        """
        name = channel_name(text)
        if name.parameter == "id":
            return NamedChannel(channel_url(name.value), name.value, {"channel_id": name.value})
        return await self._asked_for(name, credentials)

    async def found(self, text: str, credentials: Credentials) -> NamedChannel:
        """As `named`, and there is such a channel: an id costs a unit, too."""
        return await self._asked_for(channel_name(text), credentials)

    async def _asked_for(self, name: ChannelName, credentials: Credentials) -> NamedChannel:
        channel = await find(YouTubeAPI(self._settings, self._http, credentials), name)
        return NamedChannel(channel_url(channel.id), channel.title, metadata_of(channel))


async def find(api: YouTubeAPI, name: ChannelName) -> Channel:
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
