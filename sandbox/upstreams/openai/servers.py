"""Other servers that speak OpenAI's protocol: what each refuses, in which words, and how its answers look.

As their documentation and their users show it. The model's name tells which one is played: `ollama/…`, `azure/…`.

https://learn.microsoft.com/azure/ai-foundry/openai/reference
https://docs.ollama.com/api/openai-compatibility
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
https://lmstudio.ai/docs/developer/openai-compat
https://openrouter.ai/docs/api/reference/errors-and-debugging
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.exchange import Reply, dump
from sandbox.upstreams.openai import errors

Asked = dict[str, Any]
Message = dict[str, Any]


def _as_is(_: Asked, message: Message) -> Message:
    return message


@dataclass(frozen=True)
class Server:
    """`refuse` says why a request is refused, or None; `show` makes its own message of the right one."""

    refuse: Callable[[Asked], Reply | None]
    show: Callable[[Asked, Message], Message] = _as_is


def server_of(model: str) -> Server | None:
    """None for what OpenAI's older models take."""
    if model.startswith(("gpt-5", "o1", "o3", "o4")):
        return SERVERS["openai"]
    return SERVERS.get(model.partition("/")[0])


def _shape(asked: Asked) -> str:
    return str((asked.get("response_format") or {}).get("type", "text"))


def _error(status: int, body: Any) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, dump(body))


def _newer_openai(asked: Asked) -> Reply | None:
    if "max_tokens" in asked:
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return errors.error(400, message, "invalid_request_error", "unsupported_parameter", "max_tokens")
    if asked.get("temperature", 1) != 1:
        message = (
            f"Unsupported value: 'temperature' does not support {asked['temperature']} with this model."
            " Only the default (1) value is supported."
        )
        return errors.error(400, message, "invalid_request_error", "unsupported_value", "temperature")
    return None


def _azure(asked: Asked) -> Reply | None:
    """Of an API version before schemas."""
    if _shape(asked) == "json_schema":
        message = "response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later"
        return _error(400, {"error": {"message": message, "type": "", "param": "", "code": "BadRequest"}})
    return None


def _vllm(asked: Asked) -> Reply | None:
    if any(message["role"] == "system" for message in asked["messages"]):
        return _error(
            400,
            {
                "object": "error",
                "message": "System role not supported",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
        )
    return None


def _lm_studio(asked: Asked) -> Reply | None:
    if _shape(asked) not in ("json_schema", "text"):
        return _error(400, {"error": "'response_format.type' must be 'json_schema' or 'text'"})
    return None


def _openrouter(asked: Asked) -> Reply | None:
    """Routed to a provider that has tools and nothing else."""
    if _shape(asked) == "json_schema":
        message = "No endpoints found that can handle the requested parameters."
        return _error(404, {"error": {"message": message, "code": 404}, "user_id": "user_sandbox"})
    if _shape(asked) == "json_object":
        raw = json.dumps({"error": {"message": "`response_format` is not supported by this model", "type": "invalid"}})
        told = {"message": "Provider returned error", "code": 400}
        return _error(400, {"error": {**told, "metadata": {"raw": raw, "provider_name": "Sandbox"}}})
    return None


def _mute(asked: Asked) -> Reply | None:
    """Knows JSON mode, and does not say what it does not know."""
    if _shape(asked) == "json_schema":
        return errors.error(400, "Bad request.", "invalid_request_error", "invalid_request_error")
    return None


def _fastapi(asked: Asked) -> Reply | None:
    """Knows messages and a number of tokens."""
    for name in ("response_format", "tools"):
        if name in asked:
            told = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
            return _error(422, {"detail": [{**told, "input": asked[name]}]})
    return None


def _late(asked: Asked) -> Reply | None:
    """OpenRouter's other way: an error with status 200."""
    if _shape(asked) == "json_schema":
        return _error(200, {"error": {"message": "response_format json_schema is not supported", "code": 400}})
    return None


def _thinking(asked: Asked, message: Message) -> Message:
    """Aloud, and within the same bound: where that is small it does not come to its answer."""
    if max(asked.get(name) or 0 for name in ("max_tokens", "max_completion_tokens")) < 1_000:
        return {**message, "content": "<think>\nWhat could this be? {Hm.}", "finish_reason": "length"}
    return {**message, "content": f"<think>\nA {{thing}}.\n</think>\n\n{message['content']}"}


def _chatty(_: Asked, message: Message) -> Message:
    """A schema is taken, and not kept to."""
    right = json.loads(message["content"])
    said = {"description": right["description"], "confidence": 0.9, "technologies": right["technologies"]}
    said["project_type"] = str(right["project_type"]).title()
    return {**message, "content": f"Here you are:\n```json\n{json.dumps(said)}\n```", "reasoning": "Hm."}


def _by_tool(asked: Asked, message: Message) -> Message:
    if "tools" not in asked:
        return message
    name = asked["tools"][0]["function"]["name"]
    call = {"name": name, "arguments": message["content"]}
    return {
        **message,
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
        "finish_reason": "tool_calls",
    }


def _cleared(_: Asked, message: Message) -> Message:
    """Azure tells what its filters think."""
    fine = {"filtered": False, "severity": "safe"}
    return {**message, "content_filter_results": dict.fromkeys(("hate", "self_harm", "sexual", "violence"), fine)}


def _nothing(_: Asked) -> Reply | None:
    return None


SERVERS = {
    "azure": Server(_azure, _cleared),
    "fastapi": Server(_fastapi),
    "late": Server(_late),
    "lmstudio": Server(_lm_studio),
    "mute": Server(_mute),
    "ollama": Server(_nothing, _chatty),
    "openai": Server(_newer_openai),
    "openrouter": Server(_openrouter, _by_tool),
    "thinker": Server(_nothing, _thinking),
    "vllm": Server(_vllm, _thinking),
}
