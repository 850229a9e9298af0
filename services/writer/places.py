"""Decides which record a draft belongs to: that of the same project upstream, whatever its link has become.

Two events of one project under different links have different Kafka keys, so they may be written at the same moment
and in any order. The derived id and the unique indexes keep them one project; here is what a write does after it met
another record.
"""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from kit.mongo import Database, Document
from records import project_store
from records.project_updates import UNTIMED, seen_at
from records.projects import ProjectRecord, is_another, project_id, upstream_identity
from schemas.events import ProjectDrafted


@dataclass(frozen=True, slots=True)
class Place:
    """The id of the project's record. Without `at_its_link`, another project was seen at the link since."""

    identity: UUID
    exists: bool
    at_its_link: bool = True


def first_place(event: ProjectDrafted) -> Place:
    """Return where nearly every new project goes, without I/O."""
    return Place(project_id(event.user_id, event.url, event.project.platform, event.project.external_id), False)


class Places:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, event: ProjectDrafted) -> Place:
        """Find the place as the records are now. A link that goes to another project is taken from the one that had
        it."""
        if (identity := upstream_identity(event.project)) is None:
            return await self._by_link(event)
        return await self._by_identity(event, identity)

    async def _by_identity(self, event: ProjectDrafted, identity: Document) -> Place:
        ours = await project_store.find_identity(self._db, event.user_id, identity)
        at_link = await project_store.find_link(self._db, event.user_id, event.url)
        if ours is None:
            # A producer that knows no id may have made it, by this link or by its previous one.
            known = at_link or await self._at_previous_link(event)
            if known and not is_another(known, event.project.platform, event.project.external_id):
                return Place(known["_id"], True)
        place = Place(ours["_id"], True) if ours else first_place(event)
        if at_link is None or at_link["_id"] == place.identity:
            return place
        if (at_link.get("seen_at") or UNTIMED) > seen_at(event.project):
            return replace(place, at_its_link=False)
        await project_store.take_link(self._db, at_link["_id"], event.url)
        return place

    async def _at_previous_link(self, event: ProjectDrafted) -> ProjectRecord | None:
        if event.project.formerly is None:
            return None
        return await project_store.find_link(self._db, event.user_id, event.project.formerly)

    async def _by_link(self, event: ProjectDrafted) -> Place:
        """Find the project that has this link, is to move there, or had it when this was read; else a free place."""
        previous = event.project.formerly
        links = [event.url, *([previous] if previous else [])]
        at = await project_store.at_links(self._db, event.user_id, links)
        for link in links:
            if link in at:
                return Place(at[link], True)
        if former := await project_store.find_former(self._db, event.user_id, event.url, seen_at(event.project)):
            return Place(former["_id"], True)
        # As if it had been made before it was renamed: an older event that is still to come finds it there.
        identity = project_id(event.user_id, links[-1])
        while await project_store.exists(self._db, identity):
            identity = uuid5(identity, event.url)
        return Place(identity, False)
