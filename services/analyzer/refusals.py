"""Why a server refused a call: which parameter it does not take.

Read from what OpenAI, Azure, Ollama, vLLM, LM Studio, OpenRouter and servers made with FastAPI say; none of it goes any
further.

https://platform.openai.com/docs/guides/error-codes
https://openrouter.ai/docs/api/reference/errors-and-debugging
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from services.analyzer.dialect import Parameter

REFUSING = frozenset({400, 404, 405, 415, 422, 501})  # what a server says of a request that it does not understand
_MOST_READ = 4_000  # characters
_DEEPEST = 6
# Not of parameters: of this content, this model or this account. Nothing is learned from them.
_OTHERWISE = re.compile(
    r"context.?length|maximum context|context window|too (?:long|large|many tokens)"
    r"|content.?(?:filter|policy|management)|moderation|flagged|safety"
    r"|(?:model|deployment)[^.]{0,80}(?:not found|does not exist|not exist|unknown)|no such model|invalid model"
    r"|api.?key|unauthori[sz]ed|permission|quota|billing|credits?\b|invalid_prompt",
    re.I,
)
_SIGNS: tuple[tuple[Parameter, re.Pattern[str]], ...] = (
    (
        Parameter.SYSTEM,
        re.compile(r"messages\[0\]\.role|\brole\b[^.]{0,20}\bsystem\b|\bsystem\b[^.]{0,20}\b(?:role|message)", re.I),
    ),
    (Parameter.LIMIT, re.compile(r"max_(?:completion_)?tokens", re.I)),
    (Parameter.TEMPERATURE, re.compile(r"\btemperature\b", re.I)),
    (
        Parameter.SHAPE,
        re.compile(
            r"response_?format|json_(?:schema|object)|json mode|structured.?outputs?|guided|grammar|schema"
            r"|\btools?\b|tool_choice|function.?call|requested parameters",
            re.I,
        ),
    ),
)


def refused_parameter(error: Any) -> Parameter | None:
    """Of the decoded body of an error. None where it does not say; what is named as such goes before what is told."""
    words = list(_words(error))
    for name in (value for key, value in words if key in ("param", "loc")):
        if found := _named(name):
            return found
    return _named(" ".join(value for _, value in words))


def is_of_parameters(error: Any) -> bool:
    """Whether it may be a refusal of parameters at all."""
    return not _OTHERWISE.search(" ".join(value for _, value in _words(error)))


def _named(text: str) -> Parameter | None:
    return next((parameter for parameter, sign in _SIGNS if sign.search(text)), None)


def _words(error: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text in it, by its key: errors within errors too, some of them JSON in a text."""
    if depth > _DEEPEST:
        return
    if isinstance(error, dict):
        for name, value in list(error.items())[:30]:
            yield from _words(value, str(name), depth + 1)
    elif isinstance(error, list):
        for value in error[:30]:
            yield from _words(value, key, depth + 1)
    elif isinstance(error, str):
        if key == "raw" and error.lstrip().startswith("{"):
            try:
                yield from _words(json.loads(error[:_MOST_READ]), key, depth + 1)
            except (ValueError, RecursionError):
                yield key, error[:_MOST_READ]
        elif key not in ("input", "url"):  # what was sent, said again
            yield key, error[:_MOST_READ]
