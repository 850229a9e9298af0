"""Where a sight belongs: to the project of the same thing upstream, whatever its link has become.

Two sights of one thing by different links have different Kafka keys, so they may be written at the same moment and in
any order. Its derived id and the unique indexes keep them one project; here is what a write does that met them.
"""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from kit.mongo import Collection, Document
from records.projects import is_another, project_id, upstream_identity
from schemas.events import ProjectDrafted
from services.writer.refresh import UNTIMED, give_up, seen_at

FIELDS = {"url": 1, "platform": 1, "external_id": 1, "seen_at": 1}


@dataclass(frozen=True, slots=True)
class Place:
    """`there`: it is to be refreshed, else to be made. Without `at_its_link`, another thing was seen there since."""

    identity: UUID
    there: bool
    at_its_link: bool = True


def first_place(event: ProjectDrafted) -> Place:
    """Where nearly every new project goes. No I/O."""
    return Place(project_id(event.user_id, event.url, event.project.platform, event.project.external_id), False)


class Places:
    def __init__(self, projects: Collection) -> None:
        self._projects = projects

    async def find(self, event: ProjectDrafted) -> Place:
        """As the records stand now. A link that goes to another thing is taken from the project that had it."""
        if (identity := upstream_identity(event.project)) is None:
            return await self._by_link(event)
        return await self._by_identity(event, identity)

    async def _by_identity(self, event: ProjectDrafted, identity: Document) -> Place:
        mine = {"user_id": event.user_id}
        own = await self._projects.find_one(mine | identity, FIELDS)
        at_link = await self._projects.find_one(mine | {"url": event.url}, FIELDS)
        if own is None:
            # A producer that knows no id may have made it, by this link or by its former one.
            known = at_link or await self._formerly(event)
            if known and not is_another(known, event.project.platform, event.project.external_id):
                return Place(known["_id"], True)
        place = Place(own["_id"], True) if own else first_place(event)
        if at_link is None or at_link["_id"] == place.identity:
            return place
        if (at_link.get("seen_at") or UNTIMED) > seen_at(event.project):
            return replace(place, at_its_link=False)
        await self._projects.update_one({"_id": at_link["_id"], "url": event.url}, give_up(event.url))
        return place

    async def _formerly(self, event: ProjectDrafted) -> Document | None:
        if event.project.formerly is None:
            return None
        return await self._projects.find_one({"user_id": event.user_id, "url": event.project.formerly}, FIELDS)

    async def _by_link(self, event: ProjectDrafted) -> Place:
        """The project that has this link, is to move there, or had it when this was seen; else a free place."""
        project, mine = event.project, {"user_id": event.user_id}
        links = [event.url, *([project.formerly] if project.formerly else [])]
        with_a_link = self._projects.find(mine | {"url": {"$in": links}}, FIELDS)
        at = {one["url"]: one["_id"] async for one in with_a_link}
        for link in links:
            if link in at:
                return Place(at[link], True)
        past: Document = {"former_links": {"$elemMatch": {"url": event.url, "until": {"$gte": seen_at(project)}}}}
        past["former_links.url"] = event.url  # which the index has
        if passed := await self._projects.find_one(mine | past, FIELDS):
            return Place(passed["_id"], True)
        # As if it had been made before it was renamed: an older sight that is still to come finds it there.
        identity = project_id(event.user_id, links[-1])
        while await self._projects.count_documents({"_id": identity}, limit=1):
            identity = uuid5(identity, event.url)
        return Place(identity, False)
