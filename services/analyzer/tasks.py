"""What a worker process does for the analyzer, see `kit.workers`: functions of JSON's types."""

from typing import Any

from schemas.content import Item
from services.analyzer.extractive import extract


def extract_json(item: dict[str, Any]) -> Any:
    return extract(Item.model_validate(item)).model_dump(mode="json")


TASKS = {"extract": extract_json}
