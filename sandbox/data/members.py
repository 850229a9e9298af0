"""Three people who can be signed in with, and what only they and those they allow can see."""

from sandbox.data.model import Member, Readme, Repository

MEMBERS = (
    Member(
        "mira", "Mira Lindqvist", "mira@example.com", "mira-example", "104000000000000000001", "tidewaterexample", 41
    ),
    Member(
        "juniper",
        "Juniper Oduya",
        "juniper@example.com",
        "juniper-example",
        "104000000000000000002",
        "juniperexample",
        42,
    ),
    Member(
        "hoshi", "星野ほし", "hoshi@example.com", "hoshizora-example", "104000000000000000003", "hoshizoraexample", 43
    ),
)
SHELF = 120  # so many of Juniper's repositories fill pages


def member(name: str) -> Member:
    """Raises `ValueError` for a name that nobody has."""
    for one in MEMBERS:
        if one.name == name:
            return one
    raise ValueError(f"no member {name!r}; there are {[one.name for one in MEMBERS]}")


def private_repositories() -> tuple[Repository, ...]:
    return (
        Repository(
            owner="mira-example",
            name="night-ferry",
            id=700_000_041,
            private=True,
            description="Timetables of boats that only run after dark",
            languages={"Elixir": 41_220, "TypeScript": 12_005},
            topics=("elixir", "phoenix", "timetables"),
            stars=3,
            readme=Readme(
                b"# Night ferry\n\nA Phoenix LiveView application that plans journeys on night boats.\n\n"
                b"Elixir on the server, TypeScript for the map, PostgreSQL for the timetables.\n"
            ),
        ),
        Repository(
            owner="mira-example",
            name="unsent-letters",
            id=700_000_042,
            private=True,
            archived=True,
            description="Drafts",
            languages={"TeX": 9_400},
            pushed="2024-02-01T10:00:00Z",
            readme=Readme(b"# Unsent letters\n\nTypeset with LaTeX, kept for later.\n"),
        ),
        Repository(
            owner="juniper-example",
            name="recipe-vault",
            id=700_000_043,
            private=True,
            description="The family's recipes, encrypted",
            languages={"Python": 22_310},
            readme=Readme(b"# Recipe vault\n\nA Django application with encrypted fields.\n"),
        ),
        Repository(
            owner="hoshizora-example",
            name="moon-diary",
            id=700_000_044,
            private=True,
            description="月の日記",
            languages={"Swift": 8_004},
            readme=Readme("# 月の日記\n\nSwiftUI で作った日記アプリ。\n".encode()),
        ),
    )


def shelf() -> tuple[Repository, ...]:
    """Juniper's experiments, by rule: enough for pages, every seventh archived, every eleventh a fork."""
    return tuple(
        Repository(
            owner="juniper-example",
            name=f"bake-{number:03}",
            id=700_001_000 + number,
            description=f"Experiment {number} with flour, water and code",
            languages={"Kotlin": 1_000 + number},
            archived=number % 7 == 0,
            parent="kestrel-example/kestrel-queue" if number % 11 == 0 else None,
            stars=number % 9,
            pushed=f"2025-{1 + number % 12:02}-{1 + number % 28:02}T08:00:00Z",
            readme=Readme(f"# Bake {number}\n\nFlour, water, salt and Kotlin.\n".encode()),
        )
        for number in range(1, SHELF + 1)
    )
