"""POST /chat/completions and GET /models."""

import json
import re
import time
from itertools import count
from typing import Any

from sandbox.exchange import Call, Reply, dump
from sandbox.faults import Rule
from sandbox.limits import Budget, Limits
from sandbox.upstreams.credentials import caller_of
from sandbox.upstreams.openai import errors
from sandbox.upstreams.openai.reading import read
from sandbox.upstreams.openai.servers import server_of
from sandbox.upstreams.openai.structured import fault_of, value_for

MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-5-mini")
_ASKS_FOR_JSON = re.compile(r"\banswer with[^.]{0,40}\bJSON\b", re.IGNORECASE)
_CREATED = 1_760_000_000
_ANY_OBJECT = {  # what `json_object` mode answers with
    "type": "object",
    "properties": {
        "description": {"type": "string"},
        "technologies": {"type": "array", "items": {"type": "string"}},
        "project_type": {"type": "string"},
    },
}


class OpenAI:
    name = "openai"
    kinds = frozenset({*errors.REFUSALS, *errors.SPOILED})

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._numbers = count(1)

    def endpoint(self, path: str) -> str:
        return path

    def fail(self, call: Call, rule: Rule) -> Reply:
        if rule.kind in errors.SPOILED:
            return self._answer(call, rule.kind)
        return errors.fault(rule)

    def answer(self, call: Call) -> Reply:
        return self._answer(call, None)

    def _answer(self, call: Call, spoiled: str | None) -> Reply:
        caller = caller_of(call)
        if not caller.authenticated:
            return errors.missing_key()
        if caller.refused:
            return errors.invalid_key()
        budget = self._limits.spend(self.name, caller.key, authenticated=True)
        if budget.exceeded:
            return errors.rate_limited(max(0.1, budget.reset - time.time()))
        match call.method, call.path:
            case "POST", "/chat/completions":
                reply = self._chat(call.body, spoiled)
            case (("GET" | "HEAD"), "/models"):
                models = [
                    {"id": name, "object": "model", "created": _CREATED, "owned_by": "sandbox"} for name in MODELS
                ]
                reply = Reply(200, errors.JSON, dump({"object": "list", "data": models}))
            case _:
                reply = errors.error(
                    404, f"Unknown request URL: {call.method} /v1{call.path}.", "invalid_request_error"
                )
        return reply._replace(headers={**reply.headers, **_limit_headers(budget)})

    def _chat(self, body: bytes, spoiled: str | None) -> Reply:
        try:
            asked = json.loads(body)
            model, messages = str(asked["model"]), asked["messages"]
            prompt = "\n".join(_text(message) for message in messages if message["role"] == "user")
        except (ValueError, KeyError, TypeError):
            return errors.bad_request("We could not parse the JSON body of your request.")
        if asked.get("stream"):
            return errors.bad_request("The sandbox does not stream.", "stream")
        server = server_of(model)
        if server and (refused := server.refuse(asked)):
            return refused
        content = _content(prompt, asked)
        if isinstance(content, Reply):
            return content
        number = next(self._numbers)
        refusal: str | None = None
        reason = "stop"
        shown: str | None = content
        if spoiled:
            shown, refusal, reason = errors.SPOILED[spoiled](content)
        read_tokens, said_tokens = len(body) // 4, len(shown or refusal or "") // 4
        message: dict[str, Any] = {"role": "assistant", "content": shown, "refusal": refusal, "annotations": []}
        if server:
            message = server.show(asked, message)
            reason = message.pop("finish_reason", reason)
        answer = {
            "id": f"chatcmpl-sandbox{number:020d}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
            "usage": {
                "prompt_tokens": read_tokens,
                "completion_tokens": said_tokens,
                "total_tokens": read_tokens + said_tokens,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {
                    "reasoning_tokens": 0,
                    "audio_tokens": 0,
                    "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 0,
                },
            },
            "service_tier": "default",
            "system_fingerprint": "fp_sandbox",
        }
        return Reply(
            200, errors.JSON | {"x-request-id": f"req_{number:032x}", "openai-processing-ms": "12"}, dump(answer)
        )


def _content(prompt: str, asked: dict[str, Any]) -> str | Reply:
    response_format = asked.get("response_format") or {}
    reading = read(prompt)
    if tools := asked.get("tools"):
        return json.dumps(value_for(tools[0]["function"]["parameters"], reading), ensure_ascii=False)
    match response_format.get("type", "text"):
        case "json_schema":
            wanted = response_format.get("json_schema", {})
            schema = wanted.get("schema", {})
            if wanted.get("strict") and (why := fault_of(schema)):
                message = f"Invalid schema for response_format '{wanted.get('name')}': In context=(), {why}"
                return errors.bad_request(message, "response_format")
            return json.dumps(value_for(schema, reading), ensure_ascii=False)
        case "json_object":
            return json.dumps(value_for(_ANY_OBJECT, reading), ensure_ascii=False)
    if any(_ASKS_FOR_JSON.search(_text(message)) for message in asked["messages"]):
        return json.dumps(value_for(_ANY_OBJECT, reading), ensure_ascii=False)
    return reading.description


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def _limit_headers(budget: Budget) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": str(budget.limit),
        "x-ratelimit-remaining-requests": str(budget.remaining),
        "x-ratelimit-reset-requests": f"{max(0.0, budget.reset - time.time()):.0f}s",
    }
