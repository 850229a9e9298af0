"""What an event may hold: only what every stage can compare, add to, store and show."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from inspect import isclass
from typing import Any, get_type_hints
from uuid import UUID

import pytest
from bson import encode
from pydantic import TypeAdapter, ValidationError

from kit.kafka.events import Poison, read
from schemas import content, events
from schemas.content import Frozen, Item, Project, ProjectType
from schemas.events import MAX_EVENT_BYTES, ImportFailed, ImportRequested

BASE = {"id": str(UUID(int=1)), "import_id": str(UUID(int=2)), "user_id": "ada", "url": "https://github.com/a/b"}
ITEM = {
    "integration": "github", "external_id": "1", "url": BASE["url"], "kind": "github_repo", "title": "b",
    "full_name": "a/b",
}  # fmt: skip
PROJECT = {
    "type": "recipe", "title": "Rye", "description": "", "external_url": BASE["url"], "is_showcase": True,
    "is_private": False, "project_type": "recipe", "analysis_source": "model",
    "content": {"blocks": [{"type": "cover", "title": "Rye"}, {"type": "scent", "of": "bread"}]},
}  # fmt: skip
NO_INSTANTS = {
    "before the calendar begins": "0001-01-01T00:00:00+14:00",
    "after it ends": "9999-12-31T23:59:59-14:00",
    "nothing can be added": "9999-12-31T23:59:59Z",
    "before there were computers": "1969-12-31T23:59:59Z",
    "somewhere on earth": "2026-01-01T00:00:00",
}


def instants() -> Iterator[Any]:
    """Every field of an event, and of what events carry, that takes a time."""
    models = {one for module in (content, events) for one in vars(module).values() if isclass(one)}
    for model in sorted((one for one in models if issubclass(one, Frozen)), key=lambda one: one.__name__):
        for name in model.model_fields:
            field = TypeAdapter(get_type_hints(model, include_extras=True)[name])
            try:
                takes_a_time = isinstance(field.validate_python("2026-01-01T00:00:00Z"), datetime)
            except ValidationError:
                continue
            if takes_a_time:
                yield pytest.param(field, id=f"{model.__name__}.{name}")


@pytest.mark.parametrize("field", [*instants()])
@pytest.mark.parametrize("moment", NO_INSTANTS.values(), ids=NO_INSTANTS)
def test_a_time_that_is_no_instant_is_refused_wherever_it_stands(field: TypeAdapter[Any], moment: str) -> None:
    with pytest.raises(ValidationError):
        field.validate_json(json.dumps(moment))


@pytest.mark.parametrize("field", [*instants()])
@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", "9999-12-30T23:59:59.999Z"])
def test_every_other_is_kept_in_utc_and_can_be_stored(field: TypeAdapter[Any], moment: str) -> None:
    instant = field.validate_json(json.dumps(moment))
    assert instant == datetime.fromisoformat(moment)
    assert instant.tzinfo is UTC
    assert encode({"at": instant})


def test_an_instant_travels_as_it_always_did() -> None:
    sent = ImportRequested.model_validate({**BASE, "requested_at": datetime(2026, 1, 1, tzinfo=UTC)})
    assert '"requested_at":"2026-01-01T00:00:00Z"' in sent.model_dump_json()
    assert ImportRequested.model_validate_json(sent.model_dump_json()) == sent


def test_an_event_with_such_a_time_is_poison() -> None:
    told = {"stage": "fetcher", "error": "e", "error_code": "E", "action": "a", "suggestion": "s"}
    value = json.dumps({**BASE, **told, "retry_at": "0001-01-01T00:00:00+14:00"}).encode()
    with pytest.raises(Poison, match="wrong_schema"):
        read(ImportFailed, value, MAX_EVENT_BYTES)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400])
def test_a_fact_is_a_number_that_every_answer_can_show(number: str) -> None:
    with pytest.raises(ValidationError):
        Item.model_validate_json(json.dumps({**ITEM, "metadata": {"size": 0}}).replace("0}", f"{number}}}"))


@pytest.mark.parametrize("number", ["9223372036854775807", "9223372036854775808", "-1" + "0" * 30, "1.5"])
def test_whatever_number_a_fact_is_can_be_stored(number: str) -> None:
    item = Item.model_validate_json(json.dumps({**ITEM, "metadata": {"size": 0}}).replace("0}", f"{number}}}"))
    assert item.metadata["size"] == pytest.approx(float(number))
    assert encode(item.metadata)


@pytest.mark.parametrize("name", ["$set", "a.b", "a\0b", "", "\ud800", "a" * 61])
def test_a_fact_has_a_name_that_a_document_takes(name: str) -> None:
    with pytest.raises(ValidationError):
        Item.model_validate({**ITEM, "metadata": {name: 1}})


@pytest.mark.parametrize("value", ["\ud800", {"a": {"b": 1}}, [["deep"]], ["\ud800"]])
def test_a_fact_is_flat_and_its_text_is_text(value: object) -> None:
    with pytest.raises(ValidationError):
        Item.model_validate({**ITEM, "metadata": {"name": value}})


def test_text_that_is_none_is_poison() -> None:
    value = json.dumps({**BASE, "user_id": "\ud800", "requested_at": "2026-01-01T00:00:00Z"}).encode()
    with pytest.raises(Poison):
        read(ImportRequested, value, MAX_EVENT_BYTES)


def test_a_word_that_this_version_does_not_know_breaks_no_reader() -> None:
    project = Project.model_validate(PROJECT)
    assert (project.type, project.project_type) == ("recipe", "recipe")
    assert Project.model_validate(PROJECT | {"project_type": "tool"}).project_type is ProjectType.TOOL
    for word in ("", "Recipe", "a recipe", "x" * 41, "<b>"):
        with pytest.raises(ValidationError):
            Project.model_validate(PROJECT | {"project_type": word})


def test_readers_pass_over_a_block_that_they_do_not_know() -> None:
    assert [block.type for block in Project.model_validate(PROJECT).content.blocks] == ["cover"]


@pytest.mark.parametrize("block", [{"type": "text"}, {"type": "cover", "title": ""}, {"type": 1}, {}])
def test_a_broken_block_is_not_passed_over(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Project.model_validate(PROJECT | {"content": {"blocks": [block]}})
