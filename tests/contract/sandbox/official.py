"""The services' own specifications as JSON Schemas."""

from typing import Any

from jsonschema import Draft202012Validator

Schema = dict[str, Any]


def of_openapi(spec: Schema, name: str) -> Draft202012Validator:
    """A component of an OpenAPI 3.0 or 3.1 document."""
    return _validator({"$ref": f"#/components/schemas/{name}", "components": _without_nullable(spec["components"])})


def of_openapi_response(spec: Schema, path: str, method: str = "get", status: str = "200") -> Draft202012Validator:
    response = spec["paths"][path][method]["responses"][status]
    if "$ref" in response:
        response = spec["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    return _validator(_without_nullable(schema) | {"components": _without_nullable(spec["components"])})


def of_discovery(spec: Schema, name: str) -> Draft202012Validator:
    """A schema of a Google discovery document, closed: a field that it does not name is an error."""
    schemas = {key: _closed(_pointing(value)) for key, value in spec["schemas"].items()}
    return _validator({"$ref": f"#/schemas/{name}", "schemas": schemas})


def complaints(validator: Draft202012Validator, body: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


def _validator(schema: Schema) -> Draft202012Validator:
    return Draft202012Validator(schema)


def _without_nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable: true` as JSON Schema says it."""
    if isinstance(schema, list):
        return [_without_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _without_nullable(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def _pointing(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_pointing(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {"$ref": f"#/schemas/{schema['$ref']}"}
    return {key: _pointing(value) for key, value in schema.items()}


def _closed(schema: Schema) -> Schema:
    return schema | ({"additionalProperties": False} if "properties" in schema else {})
