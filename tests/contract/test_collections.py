"""Only `records/` queries MongoDB: everywhere else a collection has functions with names, arguments and types."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHERS = r"(?:client|command|name|aggregate|watch|list_collection_names|get_collection)\b"
COLLECTION = re.compile(rf"""\b_?db(?:\.(?!{OTHERS})[a-z_]+\b|\[)""")

# Modules that still query a collection themselves. None may be added.
KNOWN = {
    "integrations/connections",  # sealed tokens: connections, notices
    "kit/mongo.py",  # makes the typed collection
    "services/fetcher/response_cache.py",  # its own collection, `snapshots`
    "services/gateway/agents/service.py",
    "services/gateway/connections/repositories.py",
    "services/gateway/imports/batches.py",
    "services/gateway/imports/channels.py",
    "services/gateway/imports/idempotency.py",
    "services/gateway/imports/lookups.py",
    "services/gateway/imports/routes.py",
    "services/gateway/imports/service.py",
    "services/gateway/members/routes.py",
    "services/gateway/projects/explore_routes.py",
    "services/gateway/projects/routes.py",
    "services/gateway/sources/routes.py",
    "services/gateway/sources/service.py",
    "services/gateway/tasks/routes.py",
    "services/gateway/tasks/stream.py",
    "services/gateway/webhooks/service.py",
    "services/gateway/webhooks/websub.py",
    "services/scheduler/followed.py",
    "services/scheduler/subscriptions.py",
}


def querying() -> list[str]:
    paths = [path for package in ("kit", "integrations", "services", "cli") for path in (ROOT / package).rglob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in paths if COLLECTION.search(path.read_text()))


def test_only_records_query_collections() -> None:
    assert [path for path in querying() if not path.startswith(tuple(KNOWN))] == []


@pytest.mark.parametrize("line", ["await self._db.imports.find_one({})", 'gateway.db["projects"]', "db.points"])
def test_a_query_is_noticed(line: str) -> None:
    assert COLLECTION.search(line)


@pytest.mark.parametrize("line", ["self._db.client.close()", "db.name", "stage.db", "projects(db).find_one({})"])
def test_what_is_no_query_is_not(line: str) -> None:
    assert not COLLECTION.search(line)
