"""GitHub repositories. https://docs.github.com/en/rest/repos/repos"""

from integrations.base import Integration, Ref, SyncResult, SyncState
from integrations.github import sync, urls
from integrations.github.client import GitHubClient
from integrations.github.mapping import readme_text, to_item
from integrations.github.oauth import GITHUB
from integrations.github.repositories import GitHubRepositories
from integrations.github.settings import GitHubSettings
from integrations.github.sync import Answers
from integrations.github.webhook import WEBHOOK
from integrations.links import Link
from kit.text.service import TextService
from schemas.content import Item


class GitHub(Integration[GitHubSettings, GitHubClient]):
    name, title = GitHubClient.name, GitHubClient.title
    limit_kind = "repositories"
    schemes = urls.SCHEMES
    samples, refused = urls.SAMPLES, urls.REFUSED
    oauth = (GITHUB,)
    webhook = WEBHOOK
    client = GitHubClient

    def __init__(self, settings: GitHubSettings, texts: TextService | None = None) -> None:
        super().__init__(settings, texts)
        self.repositories = GitHubRepositories(settings)
        self.hosts = (settings.github_url.partition("://")[2].lower(), "github.io", "githubusercontent.com")

    def parse(self, link: Link) -> Ref:
        return urls.parse(link, self.settings.github_url)

    async def read(self, ref: Ref, client: GitHubClient) -> Item:
        return await self._item(await sync.read(client, f"/repos/{ref.id}"))

    async def read_news(self, ref: Ref, client: GitHubClient, state: SyncState, max_items: int) -> SyncResult:
        return await sync.sync_repository(client, f"/repos/{ref.id}", state, self._item)

    async def _item(self, answers: Answers) -> Item:
        item = to_item(answers.repo.json(), answers.shares, self.settings)
        branch = str(item.metadata["default_branch"])
        text = await readme_text(self.texts, answers, item.external_url or item.url, branch)
        return item.model_copy(update={"text": text.content, "text_format": text.format, "text_html": text.html})
