"""What a server that speaks OpenAI's protocol takes of it: parameters, and ways to give an answer its shape.

Each server knows a part. A call begins with the most that is any use; what is refused is left out from then on.
"""

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

from services.analyzer.prompt import ANSWER_FORMAT, ANSWER_SCHEMA, INSTRUCTIONS, SHAPE_IN_WORDS

MAX_ANSWER_TOKENS = 500
MAX_THINKING_TOKENS = 4_000  # of a model that thinks aloud, or within the same bound, before it answers


class Shape(StrEnum):
    """How the answer is asked for, the strictest first. It is validated just as strictly, whatever was asked."""

    SCHEMA = "json_schema"
    JSON = "json_object"
    TOOL = "tools"
    PLAIN = "text"


class Parameter(StrEnum):
    """What a server can refuse."""

    LIMIT = "max_tokens"
    TEMPERATURE = "temperature"
    SYSTEM = "system"
    SHAPE = "response_format"
    ROOM = "room"  # not refused: the answer ended before it was whole


@dataclass(frozen=True, slots=True)
class Dialect:
    limit: str = "max_tokens"
    temperature: bool = True
    system: bool = True
    shape: Shape = Shape.SCHEMA
    most_tokens: int = MAX_ANSWER_TOKENS

    def without(self, parameter: Parameter) -> "Dialect | None":
        """What is left to try where `parameter` is refused; None where it cannot do with less. A bound on the answer's
        length is never given up, as it bounds what a call costs."""
        shapes = list(Shape)
        match parameter:
            case Parameter.LIMIT if self.limit == "max_tokens":
                return replace(self, limit="max_completion_tokens")
            case Parameter.TEMPERATURE if self.temperature:
                return replace(self, temperature=False)
            case Parameter.SYSTEM if self.system:
                return replace(self, system=False)
            case Parameter.SHAPE if self.shape is not Shape.PLAIN:
                return replace(self, shape=shapes[shapes.index(self.shape) + 1])
            case Parameter.ROOM if self.most_tokens < MAX_THINKING_TOKENS:
                return replace(self, most_tokens=MAX_THINKING_TOKENS)
        return None

    def simpler(self) -> "Dialect | None":
        """The guess where a server refuses and does not say what."""
        if self.shape is Shape.SCHEMA:
            return replace(self, shape=Shape.JSON)
        return replace(self, shape=Shape.PLAIN, temperature=False) if self.shape is not Shape.PLAIN else None

    @property
    def instructions(self) -> str:
        return INSTRUCTIONS if self.shape is Shape.SCHEMA else f"{INSTRUCTIONS}\n{SHAPE_IN_WORDS}"

    def request(self, model: str, temperature: float, content: str) -> dict[str, Any]:
        """The body of a call."""
        messages = [{"role": "system", "content": self.instructions}, {"role": "user", "content": content}]
        if not self.system:
            messages = [{"role": "user", "content": f"{self.instructions}\n\n{content}"}]
        body: dict[str, Any] = {"model": model, self.limit: self.most_tokens, "messages": messages}
        if self.temperature:
            body["temperature"] = temperature
        match self.shape:
            case Shape.SCHEMA:
                body["response_format"] = ANSWER_FORMAT
            case Shape.JSON:
                body["response_format"] = {"type": "json_object"}
            case Shape.TOOL:
                answer = {"name": "answer", "description": "Give the answer.", "parameters": ANSWER_SCHEMA}
                body["tools"] = [{"type": "function", "function": answer}]
                body["tool_choice"] = {"type": "function", "function": {"name": "answer"}}
        return body

    def described(self) -> dict[str, Any]:
        """For the log."""
        return {"limit": self.limit, "temperature": self.temperature, "system": self.system, "shape": str(self.shape)}


@lru_cache(maxsize=64)
def prompt_bytes(dialect: Dialect) -> int:
    """Of everything in a request but its content."""
    return len(json.dumps(dialect.request("", 1, "")).encode())
