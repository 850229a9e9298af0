"""Take a link that a member sent: recognise it, import it, follow it, and wait for its project if that is asked for."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from pymongo.errors import PyMongoError

from integrations.registry import AnyIntegration, IntegrationRegistry
from kit.errors import IMPORT_LINK, InvalidURLError
from kit.mongo import Document
from records.imports import BULK
from records.sources.record import Frequency
from schemas.events import Options
from services.gateway.auth.caller import Caller
from services.gateway.imports.batches import Batches, NewBatch
from services.gateway.imports.requests import link
from services.gateway.imports.service import Imports, NewImport
from services.gateway.sources.service import NewSource, Sources
from services.gateway.tasks.open_streams import OpenStreams, TooManyStreamsError
from services.gateway.tasks.stream import StatusStream
from services.gateway.web.provided import provided


@dataclass(frozen=True, slots=True)
class Submission:
    """A link as it was sent. `only` names the one integration whose links the endpoint takes."""

    caller: Caller
    url: str
    options: Options
    idempotency_key: str | None = None
    auto_sync: Frequency | None = None
    only: str | None = None


class Submissions:
    def __init__(
        self,
        registry: IntegrationRegistry,
        imports: Imports,
        batches: Batches,
        sources: Sources,
        stream: StatusStream,
        open_streams: OpenStreams,
    ) -> None:
        self._registry, self._imports, self._batches, self._sources = registry, imports, batches, sources
        self._stream, self._open_streams = stream, open_streams

    async def accept(self, sent: Submission) -> tuple[NewImport, Document]:
        """Import the link, and follow it if that is asked for. Return the import and the record of its task.

        Raises `InvalidURLError`, `ConflictError` where the member may follow no more sources, and what
        `Imports.accept` raises.
        """
        new = self._recognise(sent)
        if sent.auto_sync:
            await self._sources.require_room(sent.caller.user_id, {new.url})
        record = await self._imports.accept(new)
        await self._follow(sent, new.integration, new.url)
        return new, record

    async def accept_many(self, sent: Submission, integration: str, urls: list[str]) -> Document:
        """Import several links with the options of `sent`. Return the record of their parent task."""

        def recognise(url: str) -> NewImport:
            return replace(self._recognise(replace(sent, url=link(url), idempotency_key=None)), priority=BULK)

        new = NewBatch(sent.caller, integration, urls, sent.options, recognise, sent.idempotency_key, sent.auto_sync)
        if sent.auto_sync:
            await self._sources.require_room(sent.caller.user_id, await self._batches.wanted(new))
        record = await self._batches.accept(new)
        for child in record["children"]:
            await self._follow(sent, integration, child["url"])
        return record

    async def outcome(self, caller: Caller, address: str, task_id: UUID, seconds: int) -> Document | None:
        """Return the task's terminal record; None if it has none in time, or cannot be waited for."""
        # The import is accepted, whatever the wait meets.
        with suppress(PyMongoError, TooManyStreamsError), self._open_streams.counted(caller.user_id, address):
            return await self._stream.outcome(task_id, seconds)
        return None

    def _recognise(self, sent: Submission) -> NewImport:
        found = self._registry.recognise(sent.url)
        if sent.only and found.integration.name != sent.only:
            raise misplaced(found.integration, f"{self._registry.get(sent.only).title} links")
        return NewImport(
            sent.caller,
            found.integration.name,
            found.url,
            sent.options,
            found.counted_as,
            sent.idempotency_key,
            auto_sync=sent.auto_sync,
        )

    async def _follow(self, sent: Submission, platform: str, url: str) -> None:
        """Follow what was accepted. If this is cut off, the request does it when it is sent again."""
        if sent.auto_sync:
            new = NewSource(sent.caller.user_id, platform, url, sent.auto_sync, sent.options, seen=True)
            await self._sources.keep_in_sync(new)


SubmissionsDep = Annotated[Submissions, provided(Submissions)]


def misplaced(integration: AnyIntegration, takes: str) -> InvalidURLError:
    """Return the error for a link that can be imported, but was sent to an endpoint that takes other links."""
    return InvalidURLError(
        f"That is a {integration.title} link; this endpoint takes {takes}.",
        action=IMPORT_LINK,
        suggestion="Send the link to /api/v1/integrations/import/, which takes every supported link.",
    )
