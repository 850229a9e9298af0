"""What a file is written in, by its name, as forges decide it."""

from pathlib import PurePosixPath

MARKDOWN = "markdown"
PLAIN = "plain"
_BY_SUFFIX = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mkdown", ".mdx", ".qmd", ".rmd"), MARKDOWN),
    **dict.fromkeys((".rst", ".rest"), "rst"),
    **dict.fromkeys((".adoc", ".asciidoc", ".asc"), "asciidoc"),
    **dict.fromkeys((".mediawiki", ".wiki"), "mediawiki"),
    **dict.fromkeys((".pod", ".pod6"), "pod"),
    **{f".{name}": name for name in ("org", "textile", "rdoc", "creole")},
}


def format_of(path: str) -> str:
    """Plain text, where the name tells nothing else."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower(), PLAIN)


def is_rendered_upstream(text_format: str) -> bool:
    """Whether it is a markup that we leave to whoever keeps the file."""
    return text_format not in (MARKDOWN, PLAIN)
