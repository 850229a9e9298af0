"""Every event, in the order of the journey. Facts in the past tense; the two `…Requested` are the commands.

An event's id is deterministic: a child's is derived from its parent's, so that a redelivered event yields the
same children and every store can say "once". The key is member and link: events of one link stay in order,
everything else runs side by side. What is renamed has two links, and so two keys: the store goes by `seen_at`.
"""

from typing import Annotated, ClassVar, Literal, TypedDict
from uuid import UUID, uuid5

from pydantic import Field, StringConstraints

from schemas.content import Analysis, ExternalId, Frozen, Instant, Item, Name, Project, Url

Slug = Annotated[str, StringConstraints(min_length=1, max_length=200)]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
MAX_EVENT_BYTES = 4 * 1024 * 1024  # a 1 MiB README, escaped as JSON, and the rest of the event


class Lineage(TypedDict):
    """The fields that an event takes over from its parent."""

    id: UUID
    import_id: UUID
    user_id: str
    url: str


class Event(Frozen):
    """What every event has. `url` is the canonical link; `import_id` is the task that a user can look up."""

    topic: ClassVar[str]

    version: Literal[1] = 1
    id: UUID
    import_id: UUID
    user_id: UserId
    url: Url

    @property
    def key(self) -> bytes:
        return f"{self.user_id} {self.url}".encode()

    def child_id(self, child: type["Event"], part: str = "") -> UUID:
        return uuid5(self.id, f"{child.__name__}/{part}")

    def lineage(self, child: type["Event"], part: str = "") -> Lineage:
        """The common fields of a child event: `Child(**parent.lineage(Child), …)`."""
        return {
            "id": self.child_id(child, part),
            "import_id": self.import_id,
            "user_id": self.user_id,
            "url": self.url,
        }


class Options(Frozen):
    """What the member asked for beside the link; it travels with the import to the transformer."""

    is_showcase: bool = True
    is_private: bool = False


class ImportRequested(Event):
    topic: ClassVar[str] = "imports.requested"

    options: Options = Options()
    requested_at: Instant


class SyncRequested(Event):
    """A followed source is due. `url` is the source's; `import_id` names this run of the sync.

    `task_id` is the parent task that its items report to, if a member requested the sync; nobody waits
    for the others, and they leave the reserve of every budget alone.
    """

    topic: ClassVar[str] = "sources.sync-requested"

    source_id: UUID
    options: Options = Options()
    due_at: Instant
    task_id: UUID | None = None
    max_items: int = Field(50, ge=1, le=1_000)


class ContentFetched(Event):
    topic: ClassVar[str] = "content.fetched"

    item: Item
    options: Options = Options()


class UpstreamStatus(Frozen):
    """How an item stands at its upstream, as a sync found it; never from a listing that failed."""

    url: Url
    external_id: ExternalId = ""  # where its upstream has one: its project is known by it, wherever it has moved
    state: Literal["there", "gone", "private"]


class SourceSynced(Event):
    """A source was synced. What was new or changed travels as events of its own."""

    topic: ClassVar[str] = "sources.synced"

    source_id: UUID
    platform: Annotated[str, StringConstraints(max_length=40)] | None = None  # whose external ids the standings have
    items_found: int = Field(ge=0, lt=2**31)
    synced_at: Instant
    standings: tuple[UpstreamStatus, ...] = Field(default=(), max_length=1_000)  # only those that have changed


class ContentAnalyzed(Event):
    topic: ClassVar[str] = "content.analyzed"

    item: Item
    analysis: Analysis
    options: Options = Options()


class ProjectDrafted(Event):
    topic: ClassVar[str] = "projects.drafted"

    project: Project


class ProjectSaved(Event):
    """`created` is true when this import made the project, and stays true however often the event is repeated."""

    topic: ClassVar[str] = "projects.saved"

    project_id: UUID
    slug: Slug
    title: Name
    created: bool


class PointsAwarded(Event):
    topic: ClassVar[str] = "points.awarded"

    project_id: UUID
    slug: Slug
    points: int = Field(ge=0, lt=2**31)
    reason: Annotated[str, StringConstraints(max_length=60)]


class ImportFailed(Event):
    """The import ended without a project, in words that the member can act on."""

    topic: ClassVar[str] = "imports.failed"

    stage: Annotated[str, StringConstraints(max_length=40)]
    error: Annotated[str, StringConstraints(max_length=500)]
    error_code: Annotated[str, StringConstraints(max_length=60)]
    action: Annotated[str, StringConstraints(max_length=60)]
    suggestion: Annotated[str, StringConstraints(max_length=500)]
    retry_at: Instant | None = None


EVENTS: tuple[type[Event], ...] = (
    ImportRequested, SyncRequested, ContentFetched, SourceSynced, ContentAnalyzed,
    ProjectDrafted, ProjectSaved, PointsAwarded, ImportFailed,
)  # fmt: skip
