"""What a model said, read leniently, and bounded as strictly as what was asked for.

Models think aloud, put JSON into fences and sentences around it, spell values their own way and add fields. Whatever
cannot be read is a ValueError.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from schemas.content import ProjectType
from services.analyzer.prompt import Answer

_THOUGHT = re.compile(
    r"</(?:think|thinking|thought|reasoning|analysis|scratchpad)>|<\|channel\|>final<\|message\|>", re.I
)
_THINKING = re.compile(r"<(?:think|thinking|thought|reasoning|analysis|scratchpad)>", re.I)
_MOST_TRIES = 20  # braces that might begin the answer
_DEEPEST = 4
_NAMES = {
    "description": "description", "summary": "description",
    "technologies": "technologies", "technology": "technologies", "keytechnologies": "technologies",
    "techstack": "technologies", "projecttype": "project_type", "type": "project_type", "category": "project_type",
}  # fmt: skip
_ALIASES = {
    "app": ProjectType.APPLICATION, "game": ProjectType.APPLICATION, "website": ProjectType.APPLICATION,
    "cli": ProjectType.TOOL, "utility": ProjectType.TOOL, "plugin": ProjectType.TOOL, "package": ProjectType.LIBRARY,
    "sdk": ProjectType.LIBRARY, "api": ProjectType.SERVICE, "server": ProjectType.SERVICE,
    "docs": ProjectType.DOCUMENTATION, "data": ProjectType.DATASET, "course": ProjectType.TUTORIAL,
    "libraries": ProjectType.LIBRARY,
}  # fmt: skip


class Said(NamedTuple):
    answer: Answer
    leniently: bool  # it was not just the JSON that was asked for


def content_of(completion: ChatCompletion) -> str:
    """The answer's text, or the arguments of the tool that it was to be given to. LookupError, TypeError or ValueError
    where there is none."""
    message = completion.choices[0].message
    if message.refusal:
        raise ValueError("the model refused")
    for call in message.tool_calls or ():
        arguments = getattr(getattr(call, "function", None), "arguments", None)
        if arguments:
            return arguments if isinstance(arguments, str) else json.dumps(arguments)
    content: Any = message.content
    if isinstance(content, list):  # parts, as some servers have it
        content = "".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    if not isinstance(content, str):
        raise TypeError("the content is no text")
    return content


def error_in(completion: ChatCompletion) -> Any:
    """What a server that answers 200 says went wrong, or None."""
    return (completion.model_extra or {}).get("error") if not completion.choices else None


def was_cut(completion: ChatCompletion) -> bool:
    """Whether the model ran out of tokens, perhaps while it was still thinking."""
    return bool(completion.choices) and completion.choices[0].finish_reason == "length"


def read(content: str) -> Said:
    try:
        return Said(Answer.model_validate_json(content), leniently=False)
    except ValidationError:
        return Said(_read_leniently(content), leniently=True)


def _read_leniently(content: str) -> Answer:
    *_, last = _THOUGHT.split(content)
    last = _THINKING.split(last, maxsplit=1)[0]  # one that never ends is no answer
    fault: ValueError = ValueError("no JSON object in the answer")
    for value in _objects(last):
        try:
            return Answer.model_validate(_fields(value))
        except ValidationError as error:
            fault = error
    raise fault


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder, start = json.JSONDecoder(), 0
    for _ in range(_MOST_TRIES):
        if (start := text.find("{", start)) < 0:
            return
        try:
            value, start = decoder.raw_decode(text, start)
        except ValueError:
            start += 1
            continue
        yield from _with_a_description(value)


def _with_a_description(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """It, or what it wraps: `{"analysis": {…}}`."""
    if not isinstance(value, dict) or depth > _DEEPEST:
        return
    if any(_NAMES.get(_bare(name)) == "description" and isinstance(text, str) for name, text in value.items()):
        yield value
        return
    for inner in list(value.values())[:5]:
        yield from _with_a_description(inner, depth + 1)


def _fields(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, content in value.items():
        if known := _NAMES.get(_bare(name)):
            found.setdefault(known, content)
    technologies = found.get("technologies") or []
    if isinstance(technologies, str):
        technologies = technologies.split(",")
    if isinstance(technologies, list):
        names = (one.get("name") if isinstance(one, dict) else one for one in technologies)
        technologies = [name.strip() for name in names if isinstance(name, str)]
    return {
        "description": found.get("description"),
        "technologies": technologies,
        "project_type": _project_type(found.get("project_type")),
    }


def _project_type(value: Any) -> ProjectType:
    """By the first word of it that is one: `Library`, `web application`, `CLI tool`. What is none is another."""
    if isinstance(value, list) and value:
        value = value[0]
    words = re.findall(r"[a-z]+", value.lower()[:200]) if isinstance(value, str) else []
    kinds = {kind.value: kind for kind in ProjectType}
    for word in words:
        if found := kinds.get(word) or kinds.get(word.removesuffix("s")):
            return found
    return next((_ALIASES[word] for word in words if word in _ALIASES), ProjectType.OTHER)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower()[:60])
