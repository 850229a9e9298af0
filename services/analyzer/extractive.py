"""The analysis without a model: sentences and facts that the item already holds. Deterministic and free."""

import re

from schemas.content import Analysis, Item, ProjectType
from services.analyzer.plain import fitting, plain
from services.analyzer.prose import prose
from services.analyzer.sentences import ended, split

MOST_SENTENCES = 3
MOST_CHARS_OF_ONE = 300  # a sentence that may stand in the place of a shorter one
REPEATED, CONTAINED = 0.6, 0.75  # of a sentence's pieces, that are another's

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
    """Return the author's own words: the description, and the opening of the text where that is short and says more.

    Without any, return the item's name, or nothing where only its author describes it.
    """
    own = split(plain(item.description))
    opening = prose(item, brief=bool(own)) if len(own) < MOST_SENTENCES else []
    if text := fitting(merged(own, opening, item.full_name), most=MOST_SENTENCES):
        return text
    if is_silent(item):
        return ""
    name = plain(item.title) or item.full_name
    return ended(f"{name}, written in {plain(item.language)}" if item.language else name)


def is_silent(item: Item) -> bool:
    """Whether the author should describe the item and wrote nothing but its title: then no description is made."""
    return item.description_by == "author" and not item.description.strip() and not item.text.strip()


def merged(own: list[str], opening: list[str], name: str) -> list[str]:
    """Both, without what one of them only repeats. That both say `name` makes no repetition."""
    names = _pieces(name)
    if (
        len(own) == 1
        and opening
        and _shared(own[0], opening[0], set()) >= CONTAINED
        and len(opening[0]) <= MOST_CHARS_OF_ONE
    ):
        return opening
    said = list(own)
    for sentence in opening:
        if not any(repeats(sentence, other, names) for other in said):
            said.append(sentence)
    return said


def repeats(one: str, other: str, names: set[str]) -> bool:
    """Whether most of what one of them says stands in the other, in whatever order."""
    return max(_shared(one, other, names), _shared(other, one, names)) >= REPEATED


def _shared(sentence: str, other: str, names: set[str]) -> float:
    pieces = _pieces(sentence) - names
    return len(pieces & _pieces(other)) / len(pieces) if pieces else 1


def _pieces(text: str) -> set[str]:
    """Three letters or digits each, of any script."""
    bare = "".join(filter(str.isalnum, text.casefold()))
    return {bare[at : at + 3] for at in range(max(len(bare) - 2, 1))} if bare else set()


def technologies(item: Item) -> tuple[str, ...]:
    """Language first, then the other languages, then topics; without repeats."""
    seen: dict[str, str] = {}
    for name in (item.language or "", *item.languages[:6], *item.topics):
        word = plain(name)[:60]
        if word and word.lower() not in seen:
            seen[word.lower()] = word
    return tuple(seen.values())[:12]


def project_type(item: Item) -> ProjectType:
    if item.own_type:
        return item.own_type
    words = set(re.findall(r"[a-z-]+", " ".join((*item.topics, item.full_name, item.description)).lower()))
    return next((kind for kind, signs in TYPE_WORDS if words.intersection(signs)), ProjectType.OTHER)
