"""YouTube: videos, and channels that are followed. https://developers.google.com/youtube/v3/docs"""

from integrations.base import Integration, Ref, SyncResult, SyncState
from integrations.links import Link
from integrations.responses import malformed_response
from integrations.youtube import sync, urls
from integrations.youtube.channels import Channels
from integrations.youtube.client import YouTubeClient
from integrations.youtube.oauth import GOOGLE, YOUTUBE, YOUTUBE_READ
from integrations.youtube.settings import YouTubeSettings
from kit.text.service import TextService
from schemas.content import Item


class YouTube(Integration[YouTubeSettings, YouTubeClient]):
    name, title = YouTubeClient.name, YouTubeClient.title
    limit_kind = "videos"
    hosts = ("youtube.com", "youtu.be", "youtube-nocookie.com")
    samples, refused = urls.SAMPLES, urls.REFUSED
    needed_scopes = frozenset({YOUTUBE_READ})
    oauth = (GOOGLE, YOUTUBE)
    client = YouTubeClient

    def __init__(self, settings: YouTubeSettings, texts: TextService | None = None) -> None:
        super().__init__(settings, texts)
        self.collection: Channels = Channels(settings)

    @property
    def bases(self) -> tuple[str, ...]:
        return (self.settings.youtube_api_url, self.settings.youtube_feeds_url)

    def parse(self, link: Link) -> Ref:
        return urls.video(link)

    def parse_source(self, link: Link) -> Ref:
        return urls.video_or_channel(link)

    async def read(self, ref: Ref, client: YouTubeClient) -> Item:
        """One request, one unit of quota."""
        found = await client.videos([ref.id])
        if ref.id in found.odd:
            raise malformed_response(self.title)
        if ref.id not in found.items:
            raise client.not_found()
        return found.items[ref.id]

    async def read_news(self, ref: Ref, client: YouTubeClient, state: SyncState, max_items: int) -> SyncResult:
        """Of a channel, no unit where nothing is new; of a video, one."""
        if not ref.is_collection:
            return await super().read_news(ref, client, state, max_items)
        return await sync.sync_channel(ref.id, client, state, max_items, client.http.now())
