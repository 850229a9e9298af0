"""Items to analyse."""

from typing import Any

from schemas.content import Item

FACTS: dict[str, Any] = {
    "integration": "github",
    "external_id": "1",
    "url": "https://github.com/a/lanterns",
    "kind": "github_repo",
    "title": "lanterns",
    "full_name": "a/lanterns",
    "description": "Paper lanterns for the terminal",
    "text": "# Lanterns\n\nIt lights the way.",
    "language": "Rust",
}


def item(**changes: Any) -> Item:
    return Item.model_validate(FACTS | changes)
