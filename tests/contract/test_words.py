"""What members and operators read uses the field's words: sync, OAuth flow, committed offset, fixed, down."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.gateway.support import FakeBroker, absent_database, gateway_app, settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", ".env.example", "Makefile")),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("schemas/published/*.json")),
]
CODE = sorted(
    path for layer in ("kit", "integrations", "services", "cli", "deploy") for path in ROOT.glob(f"{layer}/**/*.py")
)
# a sync; an OAuth flow; the committed offset; fixed; down; has expired or was revoked; license, as GitHub and SPDX
AVOIDED = re.compile(
    r"looked at|\blooks? at (a|the|it|its)\b|\bask(s|ed)? for a look|oauth walk|watermark"
    r"|\bmend(s|ed)?\b|\b(is|are) away\b|\blets? us in\b|\blicence\b|what is another's"
    r"|not one of ours|operator has been told",
    re.IGNORECASE,
)


def literals(path: Path) -> Iterator[str]:
    """Strings that are no docstrings: what is said, and not what is explained to whoever reads the code."""
    tree = ast.parse(path.read_text())
    explained = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
            yield node.value


def avoided(texts: Iterator[str] | list[str]) -> list[str]:
    return [text[max(0, found.start() - 60) : found.end() + 60] for text in texts for found in AVOIDED.finditer(text)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_uses_the_fields_words(path: Path) -> None:
    assert avoided([path.read_text()]) == []


def test_errors_notices_logs_and_commands_use_the_fields_words() -> None:
    found = {str(path.relative_to(ROOT)): words for path in CODE if (words := avoided(literals(path)))}
    # the analyzer knows headings of other people's texts, in their languages
    assert found.keys() <= {"services/analyzer/vocabulary.py"}, found


def test_the_description_of_the_api_uses_the_fields_words() -> None:
    described = gateway_app(settings(), absent_database(), FakeBroker().publish).openapi()
    assert avoided([json.dumps(described, ensure_ascii=False)]) == []
