"""A new project earns its owner points, once."""

from uuid import UUID

import pytest

from records.points import PointsRecord, entry
from schemas.events import PointsAwarded, ProjectSaved
from services.awarder.handler import award


class FakeLedger:
    def __init__(self) -> None:
        self.entries: dict[UUID, PointsRecord] = {}

    async def enter(self, awarded: PointsAwarded) -> int:
        made = entry(awarded)
        first = self.entries.setdefault(made["_id"], made)
        return awarded.points if first["import_id"] == awarded.import_id else 0


class AwayLedger(FakeLedger):
    async def enter(self, awarded: PointsAwarded) -> int:
        raise ConnectionError("the store is away")


def saved(*, created: bool = True, import_id: int = 2) -> ProjectSaved:
    return ProjectSaved(
        id=UUID(int=import_id + 100), import_id=UUID(int=import_id), user_id="u", url="https://github.com/a/b",
        project_id=UUID(int=7), slug="b", title="b", created=created,
    )  # fmt: skip


async def test_a_new_project_is_entered_and_told() -> None:
    ledger = FakeLedger()
    awarded = await award(saved(), ledger.enter, 50)
    assert awarded is not None
    assert (awarded.points, awarded.reason, awarded.project_id) == (50, "project_create", UUID(int=7))
    assert awarded.id == saved().child_id(PointsAwarded)
    assert [made["points"] for made in ledger.entries.values()] == [50]


async def test_a_repeated_event_has_the_same_child_and_the_same_entry() -> None:
    ledger = FakeLedger()
    assert await award(saved(), ledger.enter, 50) == await award(saved(), ledger.enter, 50)
    assert len(ledger.entries) == 1


async def test_a_project_earns_once_whichever_import_says_that_it_made_it() -> None:
    ledger = FakeLedger()
    told = [await award(saved(import_id=number), ledger.enter, 50) for number in (2, 3, 2)]
    assert [one.points for one in told if one] == [50, 0, 50]
    assert len(ledger.entries) == 1


async def test_a_refreshed_project_earns_nothing() -> None:
    ledger = FakeLedger()
    assert await award(saved(created=False), ledger.enter, 50) is None
    assert ledger.entries == {}


async def test_nothing_is_told_that_is_not_in_the_ledger() -> None:
    with pytest.raises(ConnectionError):
        await award(saved(), AwayLedger().enter, 50)
