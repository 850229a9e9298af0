"""The analysis without a model: sentences and facts that the item already holds. Deterministic and free."""

import re

from schemas.content import Analysis, Item, ProjectType
from services.analyzer.plain import plain, sentences

# The first row whose word appears in topics, name or description decides.
TYPE_WORDS: tuple[tuple[ProjectType, tuple[str, ...]], ...] = (
    (ProjectType.TUTORIAL, ("tutorial", "course", "workshop", "learn", "examples", "exercises")),
    (ProjectType.DATASET, ("dataset", "datasets", "corpus")),
    (ProjectType.DOCUMENTATION, ("documentation", "docs", "handbook", "guide", "awesome", "list")),
    (ProjectType.FRAMEWORK, ("framework",)),
    (ProjectType.LIBRARY, ("library", "sdk", "package", "client", "bindings", "crate", "gem", "module")),
    (ProjectType.TOOL, ("cli", "tool", "command-line", "linter", "plugin", "extension", "script", "compiler")),
    (ProjectType.SERVICE, ("server", "service", "api", "microservice", "backend", "bot")),
    (ProjectType.APPLICATION, ("app", "application", "game", "website", "dashboard", "android", "ios")),
)


def extract(item: Item) -> Analysis:
    return Analysis(
        description=describe(item),
        technologies=technologies(item),
        project_type=project_type(item),
        source="extractive",
    )


def describe(item: Item) -> str:
    """The author's own words: the description, and the opening of the text where that is short."""
    own = plain(item.description)
    if own and own[-1] not in ".!?":
        own += "."
    text = sentences(f"{own} {prose(item.text)}")
    return text or f"{plain(item.title) or item.full_name}."


def prose(text: str) -> str:
    """The first paragraphs that read like sentences: no headings, badges, tables or lists."""
    paragraphs = re.split(r"\n\s*\n", text[:20_000])
    readable = (
        words
        for paragraph in paragraphs
        if not paragraph.lstrip().startswith(("#", "|", "```", "~~~", "- ", "* ", "[!", "!["))
        and len(words := plain(paragraph)) > 40
    )
    return " ".join(words for words, _ in zip(readable, range(3), strict=False))


def technologies(item: Item) -> tuple[str, ...]:
    """Language first, then the other languages, then topics; without repeats."""
    seen: dict[str, str] = {}
    for name in (item.language or "", *item.languages[:6], *item.topics):
        word = plain(name)[:60]
        if word and word.lower() not in seen:
            seen[word.lower()] = word
    return tuple(seen.values())[:12]


def project_type(item: Item) -> ProjectType:
    if item.video is not None:
        return ProjectType.VIDEO
    words = set(re.findall(r"[a-z-]+", " ".join((*item.topics, item.full_name, item.description)).lower()))
    return next((kind for kind, signs in TYPE_WORDS if words.intersection(signs)), ProjectType.OTHER)
