"""Which changes of a schema break those who read events by the published one, and which those who write them."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from schemas.compatibility import Audience, Schema, breaking_changes

READERS, WRITERS = Audience.READERS, Audience.WRITERS

TEXT: Schema = {"type": "string"}
NULL: Schema = {"type": "null"}
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
CAT: Schema = {"type": "object", "properties": {"is": {"const": "cat", "type": "string"}, "name": TEXT}}
DOG: Schema = {"type": "object", "properties": {"is": {"const": "dog", "type": "string"}}}


def either(*options: Schema) -> Schema:
    return {"anyOf": list(options)}


def one_of(*values: Any) -> Schema:
    return TEXT | {"enum": list(values)}


def array(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def event(*required: str, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


# A narrower schema, a wider one, and what is said of a change from the first to the second.
WIDENINGS: list[tuple[Schema, Schema, str]] = [
    (TEXT, {}, "type"),
    (INTEGER, NUMBER, "type"),
    (TEXT, either(TEXT, NULL), "null"),
    (either(TEXT, NULL), either(TEXT, NULL, INTEGER), "integer"),
    (either(TEXT, NULL), {}, "anything"),
    ({"oneOf": [CAT, NULL]}, {"oneOf": [CAT, DOG, NULL]}, "event.a.is"),
    (one_of("x", "y"), one_of("x", "y", "z"), "'z'"),
    (one_of("x", "y"), TEXT, "string"),
    ({"const": "x"} | TEXT, one_of("x", "y"), "'y'"),
    ({"const": "x"} | TEXT, TEXT, "const"),
    (TEXT | {"maxLength": 5}, TEXT | {"maxLength": 6}, "maxLength"),
    (TEXT | {"maxLength": 5}, TEXT, "maxLength"),
    (TEXT | {"minLength": 1}, TEXT | {"minLength": 0}, "minLength"),
    (INTEGER | {"maximum": 5}, INTEGER | {"maximum": 6}, "maximum"),
    (INTEGER | {"exclusiveMaximum": 5}, INTEGER | {"exclusiveMaximum": 6}, "exclusiveMaximum"),
    (INTEGER | {"minimum": 1}, INTEGER | {"minimum": 0}, "minimum"),
    (INTEGER | {"exclusiveMinimum": 1}, INTEGER | {"exclusiveMinimum": 0}, "exclusiveMinimum"),
    (array(TEXT) | {"maxItems": 5}, array(TEXT) | {"maxItems": 6}, "maxItems"),
    (array(TEXT) | {"minItems": 1}, array(TEXT) | {"minItems": 0}, "minItems"),
    ({"type": "object", "maxProperties": 5}, {"type": "object", "maxProperties": 6}, "maxProperties"),
    ({"type": "object", "minProperties": 1}, {"type": "object", "minProperties": 0}, "minProperties"),
    (TEXT | {"format": "uuid"}, TEXT, "format"),
    (TEXT | {"pattern": "^a"}, TEXT, "pattern"),
    (array(TEXT), array(either(TEXT, NULL)), "event.a[items]"),
    (array(TEXT), {"type": "array"}, "event.a[items]"),
    ({"type": "object", "additionalProperties": INTEGER}, {"type": "object", "additionalProperties": NUMBER}, "type"),
    ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": True}, "not"),
    ({"patternProperties": {"^a": TEXT}}, {"patternProperties": {"^a": either(TEXT, NULL)}}, "event.a[^a]"),
    (event("b", b=TEXT), event(b=TEXT), "event.a.b"),
    (event(b=TEXT), event(b=either(TEXT, NULL)), "event.a.b"),
]  # fmt: skip


@pytest.mark.parametrize(("narrow", "wide", "place"), WIDENINGS)
def test_readers_are_not_given_more_and_writers_not_allowed_less(narrow: Schema, wide: Schema, place: str) -> None:
    narrow, wide = event("a", a=narrow), event("a", a=wide)
    assert any(place in change for change in breaking_changes(narrow, wide, READERS))
    assert breaking_changes(narrow, wide, WRITERS) == []
    assert breaking_changes(wide, narrow, WRITERS) != []
    assert breaking_changes(wide, narrow, READERS) == []


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("was", [event(a=TEXT), event("a", a=TEXT)])
def test_nobody_loses_a_property(was: Schema, audience: Audience) -> None:
    assert breaking_changes(was, event(), audience) == ["event.a: removed"]


def test_a_new_property_breaks_writers_only_if_they_must_send_it() -> None:
    was = event("a", a=TEXT)
    assert breaking_changes(was, event("a", a=TEXT, b=TEXT), WRITERS) == []
    assert breaking_changes(was, event("a", a=TEXT, b=TEXT), READERS) == []
    assert breaking_changes(was, event("a", "b", a=TEXT, b=TEXT), READERS) == []
    assert breaking_changes(was, event("a", "b", a=TEXT, b=TEXT), WRITERS) == ["event.b: required now"]


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (TEXT | {"pattern": "^a"}, TEXT | {"pattern": "^b"}),
        (TEXT | {"format": "uuid"}, TEXT | {"format": "date-time"}),
        (INTEGER | {"multipleOf": 2}, INTEGER | {"multipleOf": 3}),
        (TEXT | {"const": "x"}, TEXT | {"const": "y"}),
        (TEXT, INTEGER),
        (either(TEXT, NULL), either(INTEGER, NULL)),
    ],
)
def test_what_cannot_be_compared_must_not_change(was: Schema, becomes: Schema, audience: Audience) -> None:
    assert breaking_changes(event(a=was), event(a=becomes), audience) != []


def test_what_writers_leave_out_keeps_its_meaning() -> None:
    was, becomes = event(a=TEXT | {"default": "x"}), event(a=TEXT | {"default": "y"})
    assert breaking_changes(was, becomes, WRITERS) == ["event.a: left out it meant 'x', and means 'y'"]
    assert breaking_changes(was, becomes, READERS) == []  # what we send is complete
    assert breaking_changes(event("a", a=TEXT), becomes, WRITERS) == []


@pytest.mark.parametrize("audience", Audience)
def test_the_same_in_other_words_breaks_nobody(audience: Audience) -> None:
    was = event("a", "b", a=either(TEXT, NULL), b=one_of("x", "y")) | {"title": "T", "description": "d", "$id": "i"}
    becomes = event("b", "a", b=one_of("y", "x"), a=either(NULL, TEXT))
    assert breaking_changes(was, becomes, audience) == []


def test_a_change_is_found_behind_references() -> None:
    class Before(BaseModel):
        class Part(BaseModel):
            text: str | None = Field(max_length=5)
            kind: Literal["x", "y"]

        part: Part
        parts: tuple[Part, ...] = ()

    class After(BaseModel):
        class Part(BaseModel):
            text: str | None = Field(max_length=6)
            kind: Literal["x", "y", "z"]

        part: Part
        parts: tuple[Part, ...] = ()

    assert breaking_changes(Before.model_json_schema(), After.model_json_schema(), READERS) == [
        "event.part.kind: 'z' is new",
        "event.part.text: maxLength was 5, is 6",
        "event.parts[items].kind: 'z' is new",
        "event.parts[items].text: maxLength was 5, is 6",
    ]
    assert breaking_changes(Before.model_json_schema(), After.model_json_schema(), WRITERS) == []


WORD = TEXT | {"pattern": "^[a-z]{1,9}$"}


def block(kind: Schema, **fields: Schema) -> Schema:
    return event("type", *fields, type=kind, **fields)


def test_an_open_vocabulary_grows_without_breaking_readers() -> None:
    was, becomes = event(a=either(one_of("x"), WORD)), event(a=either(one_of("x", "y"), WORD))
    assert breaking_changes(was, becomes, READERS) == []
    assert breaking_changes(was, event(a=either(one_of("x", "Y"), WORD)), READERS) != []
    assert breaking_changes(was, event(a=WORD | {"pattern": "^."}), READERS) != []


def test_one_more_block_breaks_no_reader_but_another_form_of_a_known_one_does() -> None:
    text, unknown = block(TEXT | {"const": "text"}, content=TEXT | {"maxLength": 5}), block(WORD)
    audio = block(TEXT | {"const": "audio"}, url=TEXT)
    longer = block(TEXT | {"const": "text"}, content=TEXT | {"maxLength": 6})
    was = array(either({"oneOf": [text]}, unknown))
    assert breaking_changes(was, array(either({"oneOf": [text, audio]}, unknown)), READERS) == []
    assert breaking_changes(was, array(either({"oneOf": [longer]}, unknown)), READERS) == [
        "event[items].content: maxLength was 5, is 6"
    ]
