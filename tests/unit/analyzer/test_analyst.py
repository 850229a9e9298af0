"""Where an analysis comes from: memory, model, or the item's own words."""

import asyncio
from uuid import UUID

import pytest

from kit.errors import AnalysisFailedError
from schemas.content import Analysis, Item
from schemas.events import ContentAnalyzed, ContentFetched, Options
from services.analyzer.extractive import extract
from services.analyzer.handler import Analyst, analyze
from services.analyzer.prompt import content_hash
from services.analyzer.spend import SpendCapError
from tests.unit.analyzer.items import item

ANSWER = Analysis(description="It glows.", technologies=("Rust",), source="model", model="fake")


class FakeMemory:
    def __init__(self) -> None:
        self.known: dict[str, Analysis] = {}

    async def get(self, item: str, /) -> Analysis | None:
        await asyncio.sleep(0)
        return self.known.get(item)

    async def put(self, content_hash: str, analysis: Analysis) -> None:
        await asyncio.sleep(0)
        self.known.setdefault(content_hash, analysis)


class BrokenMemory(FakeMemory):
    async def put(self, content_hash: str, analysis: Analysis) -> None:
        raise ConnectionError("the store is away")


class FakeModel:
    """Answers when `gate` opens; `failures` of its first calls fail. `asked` tells of the `expected`th call."""

    name = "fake"

    def __init__(self, *, failures: int = 0, expected: int = 1) -> None:
        self.calls = 0
        self.asked = asyncio.Event()
        self._expected = expected
        self.gate = asyncio.Event()
        self.gate.set()
        self._failures = failures

    async def analyse(self, user_id: str, item: Item) -> Analysis:
        self.calls += 1
        call = self.calls
        if call == self._expected:
            self.asked.set()
        await self.gate.wait()
        if call <= self._failures:
            raise AnalysisFailedError("The model gave no usable answer (RateLimitError).")
        return ANSWER


async def test_without_a_model_the_items_own_words_are_used_and_nothing_is_remembered() -> None:
    memory = FakeMemory()
    assert await Analyst(None, memory).analyse("ada", item()) == extract(item())
    assert not extract(item()).degraded, "there is nothing to be made good"
    assert memory.known == {}


async def test_a_new_content_is_one_call_and_is_remembered_before_it_is_returned() -> None:
    model, memory = FakeModel(), FakeMemory()
    assert await Analyst(model, memory).analyse("ada", item()) == ANSWER
    assert model.calls == 1
    assert memory.known == {content_hash(item(), "fake"): ANSWER}


async def test_what_cannot_be_remembered_is_not_published() -> None:
    with pytest.raises(ConnectionError):
        await Analyst(FakeModel(), BrokenMemory()).analyse("ada", item())


async def test_a_remembered_content_costs_no_call() -> None:
    """Also in another process and after a crash: the memory is all that they share."""
    model, memory = FakeModel(), FakeMemory()
    await Analyst(model, memory).analyse("ada", item())
    assert await Analyst(model, memory).analyse("ada", item(metadata={"stars": 9})) == ANSWER
    assert model.calls == 1


async def test_the_same_content_at_the_same_time_is_one_call() -> None:
    model, memory = FakeModel(), FakeMemory()
    model.gate.clear()
    analyst = Analyst(model, memory)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(analyst.analyse("ada", item())) for _ in range(20)]
        await model.asked.wait()
        model.gate.set()
    assert {task.result() for task in running} == {ANSWER}
    assert model.calls == 1


async def test_different_contents_do_not_wait_for_each_other() -> None:
    model = FakeModel(expected=5)
    model.gate.clear()
    analyst = Analyst(model, FakeMemory())
    async with asyncio.TaskGroup() as tasks:
        for n in range(5):
            tasks.create_task(analyst.analyse("ada", item(text=str(n))))
        await model.asked.wait()  # would never end if one waited for another
        model.gate.set()


async def test_a_caller_that_gives_up_does_not_hold_up_the_next() -> None:
    model = FakeModel()
    model.gate.clear()
    analyst = Analyst(model, FakeMemory())
    first = asyncio.create_task(analyst.analyse("ada", item()))
    await model.asked.wait()
    first.cancel()
    model.gate.set()
    assert await analyst.analyse("ada", item()) == ANSWER
    assert model.calls == 1, "the call goes on for whoever asks next"


async def test_a_model_that_fails_costs_nobody_the_import_and_is_not_remembered() -> None:
    model, memory = FakeModel(failures=1), FakeMemory()
    analyst = Analyst(model, memory)
    first = await analyst.analyse("ada", item())
    assert first == extract(item()).model_copy(update={"degraded": True})
    assert memory.known == {}
    assert await analyst.analyse("ada", item()) == ANSWER, "the next import of this content has more luck"


async def test_the_event_carries_everything_on_and_its_id_is_derived() -> None:
    event = ContentFetched(
        id=UUID(int=1),
        import_id=UUID(int=2),
        user_id="u",
        url=item().url,
        item=item(),
        options=Options(is_showcase=False, is_private=True),
    )
    first = await analyze(event, Analyst(FakeModel(), FakeMemory()))
    again = await analyze(event, Analyst(FakeModel(), FakeMemory()))
    assert first == again
    assert first == ContentAnalyzed(
        id=event.child_id(ContentAnalyzed),
        import_id=event.import_id,
        user_id="u",
        url=event.url,
        item=event.item,
        analysis=ANSWER,
        options=event.options,
    )


class CappedModel(FakeModel):
    """Only Bob can pay."""

    async def analyse(self, user_id: str, item: Item) -> Analysis:
        self.calls += 1
        await self.gate.wait()
        if user_id != "bob":
            raise SpendCapError
        return ANSWER


async def test_beyond_the_spend_cap_the_items_own_words_are_used_and_nothing_is_remembered() -> None:
    memory = FakeMemory()
    assert await Analyst(CappedModel(), memory).analyse("ada", item()) == extract(item())
    assert memory.known == {}


async def test_a_member_who_can_pay_does_not_share_the_refusal_of_one_who_cannot() -> None:
    model = CappedModel()
    model.gate.clear()
    analyst = Analyst(model, FakeMemory())
    async with asyncio.TaskGroup() as tasks:
        found = {user: tasks.create_task(analyst.analyse(user, item())) for user in ("ada", "eve", "bob")}
        await asyncio.sleep(0)
        model.gate.set()
    assert found["ada"].result() == found["eve"].result() == extract(item())
    assert found["bob"].result() == ANSWER
