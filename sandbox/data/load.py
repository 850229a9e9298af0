"""As many repositories and videos as a load needs, made by rule from a number.

`https://github.com/load/{n}` for n from 0 to 99,999,999, and `https://www.youtube.com/watch?v=ld{n:09d}`.
"""

from functools import lru_cache

from sandbox.data.model import Channel, Readme, Repository, Video

OWNER = "load"
_FIRST_ID = 800_000_000  # repository ids above it belong to this family
_STACKS = (
    ("Python", "FastAPI", "PostgreSQL", "Redis"),
    ("Go", "gRPC", "Kafka", "Docker"),
    ("TypeScript", "React", "GraphQL", "Node.js"),
    ("Rust", "Tokio", "SQLite", "WebAssembly"),
    ("Java", "Spring", "Kafka", "MongoDB"),
    ("Kotlin", "Android", "SQLite", "Gradle"),
)
_KINDS = ("library", "command-line tool", "web application", "service", "framework", "tutorial", "dataset")
_SUBJECTS = ("tide tables", "seed catalogues", "bus timetables", "bird calls", "recipe cards", "star charts", "knots")
_PARAGRAPH = (
    "Records arrive out of order and sometimes twice, so every step is keyed and may be repeated without harm. "
    "Nothing is kept in memory that could not be read again, and each answer says where its facts came from. "
)
CHANNEL = Channel("UCsandboxLoadChannel000w", "Load Channel", "sandboxload", "Videos made by rule.", 1_000)


def full_name(repository_id: int) -> str:
    return f"{OWNER}/{repository_id - _FIRST_ID}"


@lru_cache(maxsize=4_096)
def repository(name: str) -> Repository | None:
    """`load/17`, or None where the name is not of this family."""
    owner, _, number = name.partition("/")
    if owner != OWNER or not number.isdecimal() or len(number) > 8 or str(int(number)) != number:
        return None
    n = int(number)
    stack, kind, subject = _STACKS[n % 6], _KINDS[n % 7], _SUBJECTS[n // 7 % 7]
    description = f"A {kind} for {subject}, number {n}"
    text = f"""# Load {n}

{description}. Built with {stack[0]}, {stack[1]} and {stack[2]}.

![overview](docs/overview.png) · [guide](docs/guide.md) · [licence](LICENSE)

## Why

{_PARAGRAPH * (2 + n % 7)}

## Use

```
make run NUMBER={n}
```

It listens on port 8080 and stores {subject} in {stack[2]}. See [the notes](./docs/notes.md#{n}) for {stack[3]}.
"""
    return Repository(
        owner=OWNER,
        name=number,
        id=_FIRST_ID + n,
        description=description,
        languages={stack[0]: 90_000 + n % 1_000, "Shell": 1_200},
        topics=("load", stack[0].lower().replace(".", ""), kind.split()[0]),
        licence=("mit", "apache-2.0", None)[n % 3],
        stars=n * 37 % 5_000,
        forks=n % 90,
        subscribers=n % 40,
        readme=Readme(text.encode()),
        organization=True,
    )


@lru_cache(maxsize=4_096)
def video(video_id: str) -> Video | None:
    """`ld000000017`, or None where the id is not of this family."""
    if len(video_id) != 11 or not video_id.startswith("ld") or not video_id[2:].isdecimal():
        return None
    n = int(video_id[2:])
    stack, subject = _STACKS[n % 6], _SUBJECTS[n % 7]
    return Video(
        id=video_id,
        title=f"Load {n}: {subject} with {stack[1]}",
        channel=CHANNEL,
        description=f"Part {n} on {subject}. Tools: {', '.join(stack)}.\n\n{_PARAGRAPH}\nhttps://example.com/load/{n}",
        duration=f"PT{1 + n % 59}M{n % 60}S",
        views=n * 101 % 1_000_000,
        likes=n * 7 % 50_000,
        comments=n % 300,
        tags=(subject, stack[0]),
    )
