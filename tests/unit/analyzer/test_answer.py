"""What models say instead of the JSON that they were asked for, and what is read of it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from schemas.content import ProjectType
from services.analyzer.answer import content_of, read

RIGHT = {"description": "Counts acorns in a forest.", "technologies": ["Rust", "C#"], "project_type": "tool"}
JSON = json.dumps(RIGHT)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(f"```json\n{JSON}\n```", id="a fence"),
        pytest.param(f"```\n{JSON}", id="a fence that never closes"),
        pytest.param(f"Sure! Here it is:\n\n{JSON}\n\nAnything else?", id="sentences around it"),
        pytest.param(f"<think>A {{tool}}? {{}}</think>\n{JSON}", id="a thought"),
        pytest.param(f"hm, {{a}}…</think>{JSON}", id="a thought whose beginning the server ate"),
        pytest.param(
            f"<thinking>{JSON.replace('forest', 'wood')}</thinking>{JSON}", id="a thought with an answer in it"
        ),
        pytest.param(f"<|channel|>analysis<|message|>{{}}<|end|><|channel|>final<|message|>{JSON}", id="channels"),
        pytest.param(json.dumps({"analysis": RIGHT}), id="a wrapper"),
        pytest.param(json.dumps({"result": {"answer": RIGHT}}), id="two wrappers"),
        pytest.param(json.dumps([RIGHT]), id="a list of one"),
        pytest.param(json.dumps(RIGHT | {"confidence": 0.9, "notes": ["x"]}), id="fields that nobody asked for"),
        pytest.param(json.dumps(RIGHT | {"project_type": "Tool"}), id="a capital"),
        pytest.param(json.dumps(RIGHT | {"project_type": " TOOLS "}), id="capitals and a plural"),
        pytest.param(json.dumps(RIGHT | {"project_type": "CLI tool"}), id="a longer type"),
        pytest.param(json.dumps(RIGHT | {"project_type": "command-line utility"}), id="another word for it"),
        pytest.param(json.dumps(RIGHT | {"project_type": ["tool"]}), id="a list of types"),
        pytest.param(json.dumps(RIGHT | {"technologies": "Rust, C#"}), id="technologies in one text"),
        pytest.param(json.dumps(RIGHT | {"technologies": [{"name": "Rust"}, 7, "C#"]}), id="technologies as objects"),
        pytest.param(
            json.dumps({"Description": RIGHT["description"], "Technologies": ["Rust", "C#"], "projectType": "tool"}),
            id="names of its own spelling",
        ),
    ],
)
def test_an_answer_in_any_of_these_coats_is_read(said: str) -> None:
    found, leniently = read(said)
    assert leniently
    assert found.description == RIGHT["description"]
    assert found.technologies == RIGHT["technologies"]
    assert found.project_type is ProjectType.TOOL


def test_what_was_asked_for_is_read_as_such() -> None:
    assert read(JSON) == (read(JSON).answer, False)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Web application", ProjectType.APPLICATION),
        ("npm package", ProjectType.LIBRARY),
        ("libraries", ProjectType.LIBRARY),
        ("REST API", ProjectType.SERVICE),
        ("spaceship", ProjectType.OTHER),
        ("", ProjectType.OTHER),
        (None, ProjectType.OTHER),
        (7, ProjectType.OTHER),
    ],
)
def test_a_type_is_one_of_ours_or_another(value: object, kind: ProjectType) -> None:
    assert read(json.dumps(RIGHT | {"project_type": value})).answer.project_type is kind


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("", id="nothing"),
        pytest.param("It looks very nice.", id="prose"),
        pytest.param("<think>" + JSON, id="a thought without an end"),
        pytest.param(JSON[:40], id="half of it"),
        pytest.param("{}", id="no fields"),
        pytest.param(json.dumps(RIGHT | {"description": 42}), id="a number for a text"),
        pytest.param(json.dumps(RIGHT | {"description": ""}), id="no description"),
        pytest.param(json.dumps(RIGHT | {"description": "x" * 4_001}), id="too long a description"),
        pytest.param(json.dumps(RIGHT | {"technologies": ["x"] * 51}), id="too many technologies"),
        pytest.param(json.dumps(RIGHT | {"technologies": {"a": 1}}), id="technologies of another type"),
        pytest.param("{" * 100_000, id="braces"),
        pytest.param('{"a":' * 100_000, id="nested objects"),
        pytest.param('{"description": ' * 1_000 + JSON, id="wrapped too deep"),
    ],
)
def test_what_is_no_answer_or_beyond_its_bounds_is_refused(said: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        read(said)


@given(st.text(alphabet=st.sampled_from('{}[]",:abc description<think></think>```\n'), max_size=300))
def test_any_text_is_an_answer_or_a_value_error(said: str) -> None:
    with suppress(ValueError):
        assert read(said).answer.description


def completion(**message: object) -> ChatCompletion:
    return ChatCompletion.construct(choices=[{"message": {"role": "assistant", **message}, "finish_reason": "stop"}])


def test_an_answer_is_content_parts_of_it_or_the_arguments_of_a_tool() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": JSON}}
    assert content_of(completion(content=JSON)) == JSON
    assert (
        content_of(completion(content=[{"type": "text", "text": JSON[:9]}, {"type": "text", "text": JSON[9:]}])) == JSON
    )
    assert content_of(completion(content=None, tool_calls=[call])) == JSON
    assert content_of(completion(content=JSON, reasoning_content="hm")) == JSON
    for nothing in ({"content": None}, {"content": 7}, {"content": "", "refusal": "no"}):
        with pytest.raises((TypeError, ValueError)):
            content_of(completion(**nothing))
