"""Structured outputs: a value for any JSON Schema, and the rules of strict mode.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from typing import Any

from sandbox.upstreams.openai.reading import Reading

Schema = dict[str, Any]
_KIND_FIELDS = ("type", "kind", "category")


def fault_of(schema: Schema, root: Schema | None = None) -> str | None:
    """Why strict mode refuses this schema, or None."""
    root = root or schema
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false."
        if missing := set(properties) - set(schema.get("required", [])):
            return f"'required' is required to include every key in properties. Missing '{min(missing)}'."
    children = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("$defs", {}).values()]
    if isinstance(schema.get("items"), dict):
        children.append(schema["items"])
    return next((why for child in children if (why := fault_of(child, root))), None)


def value_for(schema: Schema, reading: Reading, name: str = "", root: Schema | None = None) -> Any:
    """What `reading` has for the field `name`, in the type that the schema asks for."""
    root = root or schema
    if "$ref" in schema:
        target: Any = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return value_for(target, reading, name, root)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            options = [one for one in schema[choice] if one.get("type") != "null"]
            return value_for(options[0], reading, name, root) if options else None
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _choice(schema["enum"], reading, name)
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    if kind == "object":
        return {key: value_for(sub, reading, key, root) for key, sub in schema.get("properties", {}).items()}
    if kind == "array":
        if "enum" in schema.get("items", {}):
            return schema["items"]["enum"][:1]
        return list(reading.technologies[: schema.get("maxItems", 8)])
    if kind == "string":
        text = reading.project_type if _about_kind(name) else reading.description
        return text[: schema.get("maxLength", len(text))]
    return {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": False}.get(kind)


def _choice(options: list[Any], reading: Reading, name: str) -> Any:
    if _about_kind(name) or reading.project_type in options:
        return reading.project_type if reading.project_type in options else options[-1]
    return options[0]


def _about_kind(name: str) -> bool:
    return any(word in name.lower() for word in _KIND_FIELDS)
