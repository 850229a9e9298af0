"""All that the upstreams know, and the changes that a test makes to it while it runs."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sandbox.changes import known
from sandbox.channels import Channels
from sandbox.data import load, members, repositories
from sandbox.data.model import Readme, Repository


class World:
    """Repositories by full name (case does not matter), private ones too; `channels` has the videos."""

    def __init__(self) -> None:
        self.channels = Channels()
        self.reset()

    def reset(self) -> None:
        """Everything as written in `sandbox/data`."""
        written = (*repositories.all_repositories(), *members.private_repositories(), *members.shelf())
        self._repositories = {repo.full_name.lower(): repo for repo in written}
        self._moved = {old.lower(): repo.id for repo in self._repositories.values() for old in repo.moved_from}
        self._gone: set[str] = set()  # members of the load family that were deleted or renamed
        self._ids = count(700_100_000)  # of repositories that a test creates
        self.channels.reset()

    def repository(self, full_name: str) -> Repository | None:
        key = full_name.lower()
        return self._repositories.get(key) or (None if key in self._gone else load.repository(key))

    def repository_by_id(self, number: int) -> Repository | None:
        found = (repo for repo in self._repositories.values() if repo.id == number)
        return next(found, None) or self.repository(load.full_name(number))

    def moved(self, full_name: str) -> Repository | None:
        """The repository that once had this name."""
        number = self._moved.get(full_name.lower())
        return None if number is None else self.repository_by_id(number)

    def owned_by(self, login: str) -> list[Repository]:
        return [repo for repo in self._repositories.values() if repo.owner.lower() == login.lower()]

    def owners(self) -> set[str]:
        return {repo.owner for repo in self._repositories.values()}

    def change_repository(self, full_name: str, changes: dict[str, Any]) -> Repository:
        """Fields of `Repository`; `full_name` renames it (the old name answers 301), `readme` is Markdown or None.

        A repository that does not exist yet is created. Raises `ValueError` for unknown fields.
        """
        owner, _, name = full_name.partition("/")
        old = self.repository(full_name) or Repository(owner, name, id=next(self._ids))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        values: dict[str, Any] = {"updated": now} | known(changes, Repository, {"id", "owner", "name"}, {"full_name"})
        if "readme" in values:
            values |= {"pushed": now, "commits": values.get("commits", old.commits + 1)}
            if values["readme"] is not None:
                path = old.readme.path if old.readme else "README.md"
                values["readme"] = Readme(values["readme"].encode(), path)
        if new_name := values.pop("full_name", None):
            owner, _, name = new_name.partition("/")
            values |= {"owner": owner, "name": name}
            self._moved[full_name.lower()] = old.id
        self.delete_repository(full_name)
        repo = replace(old, **values)
        self._repositories[repo.full_name.lower()] = repo
        self._moved.pop(repo.full_name.lower(), None)
        return repo

    def delete_repository(self, full_name: str) -> None:
        self._repositories.pop(full_name.lower(), None)
        self._gone.add(full_name.lower())
