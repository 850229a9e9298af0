"""What a change of an event's JSON Schema breaks for those who go by the published one.

Whoever reads an event is surprised by more than was published: a null, a longer text, one more value. Whoever writes
one is refused by less. So for readers a schema may only become narrower and for writers only wider; a property that is
gone breaks both, and a new one that may be left out breaks nobody. The schemas are Pydantic's, of models that do not
contain themselves. A keyword that is not named here must not change at all.

A vocabulary is open where the published schema takes any short word beside the known ones, or a block of any type: then
one more word, or one more type, is within what was promised.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

Schema = dict[str, Any]

NOTES = {"title", "description", "examples", "default", "$schema", "$id"}
AT_MOST = {"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"}
AT_LEAST = {"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"}
OF_TEXT = {"minLength", "maxLength", "pattern"}
PARTS = {"properties", "required", "patternProperties", "items", "additionalProperties"}


class Audience(StrEnum):
    READERS = "readers"
    WRITERS = "writers"


def breaking_changes(published: Schema, ours: Schema, audience: Audience) -> list[str]:
    """Each in words, with its place; none if `ours` may take the place of `published`."""
    return list(_changes(_inlined(published, published), _inlined(ours, ours), audience is Audience.READERS, "event"))


def _changes(old: Schema, new: Schema, reading: bool, at: str) -> Iterator[str]:
    if not reading and "default" in old and "default" in new and old["default"] != new["default"]:
        yield f"{at}: left out it meant {old['default']!r}, and means {new['default']!r}"
    narrow, wide = _alternatives(new if reading else old), _alternatives(old if reading else new)
    for one in narrow:
        like = [other for other in wide if len(narrow) == len(wide) == 1 or _alike(one, other)]
        like = [other for other in like if _block_type(other) == _block_type(one)] or like
        found = [list(_plain_changes(*((each, one) if reading else (one, each)), reading, at)) for each in like]
        what = one.get("const", one.get("type", "anything"))
        yield from min(found, key=len, default=[f"{at}: {what!r} is {'new' if reading else 'no longer taken'}"])


def _plain_changes(old: Schema, new: Schema, reading: bool, at: str) -> Iterator[str]:
    """Of two schemas without alternatives."""
    narrow, wide = (new, old) if reading else (old, new)
    for word in sorted(wide.keys() - NOTES - PARTS):
        admitted = word in OF_TEXT and isinstance(text := narrow.get("const"), str) and _admits(wide, text)
        if not admitted and (word not in narrow or not _within(word, narrow[word], wide[word])):
            yield f"{at}: {word} was {old.get(word)!r}, is {new.get(word)!r}"
    before, after = old.get("properties", {}), new.get("properties", {})
    removed = before.keys() - after.keys()
    yield from (f"{at}.{name}: removed" for name in sorted(removed))
    needed = set(wide.get("required", ())) - set(narrow.get("required", ())) - removed
    yield from (f"{at}.{name}: {'may be missing' if reading else 'required'} now" for name in sorted(needed))
    for name in sorted(before.keys() & after.keys()):
        yield from _changes(before[name], after[name], reading, f"{at}.{name}")
    before, after = _members(old), _members(new)
    for name in sorted(before.keys() | after.keys()):
        yield from _changes(before.get(name, {}), after.get(name, {}), reading, f"{at}[{name}]")


def _within(word: str, narrow: Any, wide: Any) -> bool:
    if word in AT_MOST | AT_LEAST:
        return bool(narrow <= wide if word in AT_MOST else narrow >= wide)
    return bool(narrow == wide or (word, narrow, wide) == ("type", "integer", "number"))


def _alike(narrow: Schema, wide: Schema) -> bool:
    """Whether one may be found in the other: of one type, and not two values of it."""
    return all(word not in wide or _within(word, narrow.get(word), wide[word]) for word in ("type", "const"))


def _admits(schema: Schema, text: str) -> bool:
    """Whether a schema of texts takes this one."""
    lengths = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    return lengths and re.search(schema.get("pattern", ""), text) is not None


def _block_type(schema: Schema) -> Any:
    """Return the constant that tells one alternative of a union from the others; None where it has none."""
    return schema.get("properties", {}).get("type", {}).get("const")


def _alternatives(schema: Schema) -> list[Schema]:
    if "enum" in schema:
        rest = {word: said for word, said in schema.items() if word != "enum"}
        return [rest | {"const": value} for value in schema["enum"]]
    options = schema.get("anyOf") or schema.get("oneOf")
    return [plain for option in options for plain in _alternatives(option)] if options else [schema]


def _members(schema: Schema) -> dict[str, Schema]:
    """What an array or a map may hold, where that is said."""
    members: dict[str, Any] = {word: schema[word] for word in ("items", "additionalProperties") if word in schema}
    members |= schema.get("patternProperties", {})
    return {name: {True: {}, False: {"not": {}}}[of] if isinstance(of, bool) else of for name, of in members.items()}


def _inlined(node: Any, root: Schema) -> Any:
    """Without references."""
    if isinstance(node, list):
        return [_inlined(each, root) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _inlined(each, root) for name, each in node.items() if name not in ("$ref", "$defs")}
    return _inlined(root["$defs"][node["$ref"].rpartition("/")[2]], root) | plain if "$ref" in node else plain
