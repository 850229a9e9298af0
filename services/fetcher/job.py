"""What one sync has to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from integrations.base import SyncState
from kit.mongo import Document
from records.sources.items import KnownItem
from schemas.events import SyncRequested


@dataclass(frozen=True, slots=True)
class SyncJob:
    """`known` holds what the source has emitted, by external id. What is public and was read after `not_before` is not
    read again; what only the member's account can see always is."""

    event: SyncRequested
    source: Document
    known: Mapping[str, KnownItem]
    now: datetime
    not_before: datetime

    @property
    def state(self) -> SyncState:
        return SyncState(frozenset(self.known), self.source["cursor"])

    @property
    def interactive(self) -> bool:
        """Whether a member waits for it."""
        return self.event.task_id is not None
