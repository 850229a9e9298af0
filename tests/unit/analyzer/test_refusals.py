"""Which parameter a server refused, in the words of each."""

import json
from typing import Any

import pytest

from services.analyzer.dialect import MAX_ANSWER_TOKENS, Dialect, Parameter, Shape
from services.analyzer.refusals import is_of_parameters, refused_parameter


@pytest.mark.parametrize(
    ("error", "parameter"),
    [
        pytest.param(
            {
                "message": "Unsupported parameter: 'max_tokens' …",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            },
            Parameter.LIMIT,
            id="OpenAI, a parameter",
        ),
        pytest.param(
            {"message": "'temperature' does not support 0.3", "param": "temperature", "code": "unsupported_value"},
            Parameter.TEMPERATURE,
            id="OpenAI, a value",
        ),
        pytest.param(
            {"message": "'messages[0].role' does not support 'system'", "param": "messages[0].role"},
            Parameter.SYSTEM,
            id="OpenAI, the role",
        ),
        pytest.param(
            {
                "message": "Invalid parameter: 'response_format' must be one of 'json_object', 'text'.",
                "param": "response_format",
            },
            Parameter.SHAPE,
            id="Azure, an older model",
        ),
        pytest.param(
            {"message": "response_format value as json_schema is enabled only for api versions …", "param": ""},
            Parameter.SHAPE,
            id="Azure, an older version",
        ),
        pytest.param("'response_format.type' must be 'json_schema' or 'text'", Parameter.SHAPE, id="LM Studio"),
        pytest.param(
            {"object": "error", "message": "Failed to compile the grammar", "type": "BadRequestError", "code": 400},
            Parameter.SHAPE,
            id="vLLM",
        ),
        pytest.param(
            {"object": "error", "message": "System role not supported", "code": 400}, Parameter.SYSTEM, id="Gemma"
        ),
        pytest.param(
            {"error": {"message": "registry.ollama.ai/library/x does not support tools", "type": "api_error"}},
            Parameter.SHAPE,
            id="Ollama",
        ),
        pytest.param(
            {"message": "No endpoints found that can handle the requested parameters.", "code": 404},
            Parameter.SHAPE,
            id="OpenRouter, no provider",
        ),
        pytest.param(
            {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {
                    "raw": json.dumps({"error": {"message": "no", "param": "temperature"}}),
                    "provider_name": "P",
                },
            },
            Parameter.TEMPERATURE,
            id="OpenRouter, a provider's own words",
        ),
        pytest.param(
            {
                "detail": [
                    {"loc": ["body", "max_tokens"], "msg": "extra fields not permitted", "input": {"temperature": 1}}
                ]
            },
            Parameter.LIMIT,
            id="FastAPI",
        ),
        pytest.param({"message": "no", "param": None, "code": "invalid_request_error"}, None, id="a mute one"),
        pytest.param(None, None, id="no body"),
        pytest.param([[[[[[[["temperature"]]]]]]]], None, id="too deep"),
    ],
)
def test_a_refusal_names_a_parameter_or_none(error: Any, parameter: Parameter | None) -> None:
    assert refused_parameter(error) is parameter
    assert is_of_parameters(error)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "This model's maximum context length is 4096 tokens.", "code": "context_length_exceeded"},
        {"message": "The response was filtered by Azure OpenAI's content management policy", "code": "content_filter"},
        {"message": "The model `gpt-9` does not exist or you do not have access to it.", "code": "model_not_found"},
        {"error": 'model "llama9" not found, try pulling it first'},
        {"message": "You exceeded your current quota", "code": "insufficient_quota"},
    ],
)
def test_a_refusal_of_content_model_or_account_is_not_one_of_parameters(error: Any) -> None:
    assert not is_of_parameters(error)


def test_a_dialect_does_with_less_until_it_cannot() -> None:
    dialect, shapes = Dialect(), []
    while (simpler := dialect.without(Parameter.SHAPE)) is not None:
        dialect = simpler
        shapes.append(dialect.shape)
    assert shapes == [Shape.JSON, Shape.TOOL, Shape.PLAIN]
    for parameter in (Parameter.LIMIT, Parameter.TEMPERATURE, Parameter.SYSTEM, Parameter.ROOM):
        dialect = dialect.without(parameter) or dialect
        assert dialect.without(parameter) is None


def test_a_call_always_bounds_the_answer_and_never_asks_for_more_than_it_is_told_to() -> None:
    for shape in Shape:
        body = Dialect(shape=shape, temperature=False, limit="max_completion_tokens").request("m", 0.3, "{}")
        assert body["max_completion_tokens"] == MAX_ANSWER_TOKENS
        assert "temperature" not in body
        assert ("response_format" in body) == (shape in (Shape.SCHEMA, Shape.JSON))
        assert ("tools" in body) == (shape is Shape.TOOL)


def test_without_a_system_role_the_facts_still_stand_apart_from_the_instructions() -> None:
    (message,) = Dialect(system=False).request("m", 0.3, '{"text": "x"}')["messages"]
    assert message["role"] == "user"
    assert message["content"].endswith('\n\n{"text": "x"}')
