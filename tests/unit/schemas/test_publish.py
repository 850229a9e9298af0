"""What `make schemas` writes, and what it refuses to overwrite."""

import json
from pathlib import Path

import pytest

from schemas.events import EVENTS
from schemas.publish import as_text, generate, objections, publish, read

READ, WRITTEN = "content.fetched", "imports.requested"
SHORT = {"type": "string", "maxLength": 5}
LONG = {"type": "string", "maxLength": 6}


def test_it_writes_a_schema_for_each_event_and_the_document(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    assert publish(folder) == []
    assert sorted(read(folder)) == sorted([*(f"{event.topic}.v1.json" for event in EVENTS), "asyncapi.json"])
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert publish(folder) == []
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_breaking_change_leaves_everything_as_it_was(tmp_path: Path) -> None:
    publish(tmp_path)
    narrow = generate()[f"{READ}.v1.json"]
    narrow["properties"]["user_id"]["maxLength"] = 20
    (tmp_path / f"{READ}.v1.json").write_text(json.dumps(narrow))
    (tmp_path / "asyncapi.json").unlink()
    assert publish(tmp_path) == [f"{READ}.v1.json: event.user_id: maxLength was 20, is 200"]
    assert read(tmp_path)[f"{READ}.v1.json"] == narrow
    assert not (tmp_path / "asyncapi.json").exists()


def test_a_later_version_takes_the_place_of_the_last(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / f"{READ}.v1.json").rename(tmp_path / f"{READ}.v0.json")
    assert publish(tmp_path) == []
    assert sorted(read(tmp_path)) == sorted(generate())


def test_readers_and_writers_are_broken_by_opposite_changes() -> None:
    assert objections({f"{READ}.v1.json": SHORT}, {f"{READ}.v1.json": LONG}) != []
    assert objections({f"{READ}.v1.json": LONG}, {f"{READ}.v1.json": SHORT}) == []
    for command in (WRITTEN, "sources.sync-requested"):
        assert objections({f"{command}.v1.json": SHORT}, {f"{command}.v1.json": LONG}) == []
        assert objections({f"{command}.v1.json": LONG}, {f"{command}.v1.json": SHORT}) != []


@pytest.mark.parametrize("ours", [f"{READ}.v3.json", f"{READ}.v10.json"])
def test_a_raised_version_may_break(ours: str) -> None:
    assert objections({f"{READ}.v2.json": SHORT}, {ours: LONG}) == []


@pytest.mark.parametrize("ours", [f"{READ}.v1.json", f"{WRITTEN}.v3.json"])
def test_an_event_neither_vanishes_nor_goes_back(ours: str) -> None:
    assert objections({f"{READ}.v2.json": SHORT}, {ours: SHORT}) == [
        f"{READ}.v2.json: no longer published, and no later version is"
    ]


def test_the_document_may_change() -> None:
    assert objections({"asyncapi.json": {"const": 1}}, {"asyncapi.json": {"const": 2}}) == []


def test_the_same_document_has_one_text() -> None:
    assert as_text({"b": 1, "a": {"d": "é", "c": 2}}) == as_text({"a": {"c": 2, "d": "é"}, "b": 1})
    assert as_text({"b": "é", "a": 1}) == '{\n  "a": 1,\n  "b": "é"\n}\n'
