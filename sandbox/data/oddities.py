"""Repositories that are odd as a whole: without text, without code, in old encodings, or at the edge of a size."""

from sandbox.data.model import Readme, Repository

MEBIBYTE = 1_048_576

_LATIN_1 = """Marées anciennes
================

Relevés de marée de 1907 à 1938, transcrits à la main. L'été, l'écart dépasse huit mètres à Saint-Malo.
Größte gemessene Höhe: 12,3 m. Señales, año y façade sont écrits en ISO-8859-1.
"""
_UTF_16 = (
    "# Notes in UTF-16\n\nSaved by an editor that meant well: żółć, ünïcödé, 日本語, and a [link](docs/notes.md).\n"
)


def _filled(size: int) -> bytes:
    """Markdown of exactly so many bytes."""
    line = b"- one more line in a README that nobody will read to its end, and yet it must arrive whole\n"
    text = b"# Large\n\nA README to measure limits with.\n\n" + line * (size // len(line))
    return text[: size - 4].ljust(size - 4) + b"end\n"


ODD_REPOSITORIES = (
    Repository(
        owner="mira-example",
        name="blank-canvas",
        id=700_000_031,
        size=0,
        pushed="2026-01-05T12:00:00Z",
        updated="2026-01-05T12:00:00Z",
        created="2026-01-05T12:00:00Z",
    ),
    Repository(  # code, but no words at all: no description, no licence, no topics, no README
        owner="mira-example",
        name="untitled",
        id=700_000_032,
        languages={"Processing": 4_410},
        stars=2,
    ),
    Repository(
        owner="papertrail-example",
        name="letterpress",
        id=700_000_033,
        description="A typesetting experiment without a README",
        languages={"CSS": 18_200, "HTML": 7_010},
        topics=("typography",),
        licence="mit",
    ),
    Repository(
        owner="papertrail-example",
        name="empty-readme",
        id=700_000_034,
        description="Its README has no bytes",
        languages={"Shell": 120},
        readme=Readme(b""),
    ),
    Repository(
        owner="nordlys-example",
        name="marees",
        id=700_000_035,
        organization=True,
        description="Relevés de marée de 1907 à 1938",
        languages={"R": 5_120},
        readme=Readme(_LATIN_1.encode("latin-1"), "README.txt"),
    ),
    Repository(
        owner="nordlys-example",
        name="utf16-notes",
        id=700_000_036,
        organization=True,
        description="A README in UTF-16 with a byte order mark",
        languages={"PowerShell": 2_200},
        readme=Readme(b"\xff\xfe" + _UTF_16.encode("utf-16-le")),
    ),
    Repository(
        owner="quiet-example",
        name="mebibyte",
        id=700_000_037,
        description="A README of exactly 1 MiB",
        languages={"Python": 900},
        readme=Readme(_filled(MEBIBYTE)),
    ),
    Repository(
        owner="quiet-example",
        name="oversized",
        id=700_000_038,
        description="A README above 1 MiB, which the API leaves out",
        languages={"Python": 900},
        readme=Readme(_filled(MEBIBYTE + MEBIBYTE // 2)),
    ),
    Repository(
        owner="mallory-example",
        name="matryoshka",
        id=700_000_039,
        description="Forty thousand nested elements",
        languages={"HTML": 200_000},
        readme=Readme(b"# Deep\n\n" + b"<div>" * 40_000 + b"\n\n" + b"> " * 5_000 + b"bottom\n"),
    ),
    Repository(
        owner="mallory-example",
        name="nul-and-controls",
        id=700_000_040,
        description="Control characters \x07 in a description",
        languages={"C": 64},
        readme=Readme(
            b"# nul \x00 bell \x07 escape \x1b[31mred\x1b[0m\n\nlone \xed\xa0\x80 surrogate and \xc3\x28 broken UTF-8\n"
        ),
    ),
    Repository(owner="mallory-example", name="takedown", id=700_000_041, blocked=True),
)
