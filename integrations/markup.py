"""READMEs that are not Markdown, made readable as Markdown. What it does not know it leaves as it stands.

reStructuredText and AsciiDoc are converted line by line: headings, code, links, pictures, notes. The rest is text.
"""

import re
from collections.abc import Callable, Iterator
from itertools import dropwhile
from pathlib import PurePosixPath

from integrations.markdown import escape

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mkdown", ".mdx", ".qmd", ".rmd"})
LONGEST_LINE = 2_000  # characters; nobody writes longer ones, and patterns are not tried on them
Rules = list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]
NOTES = "attention|caution|danger|error|hint|important|note|tip|warning"


def to_markdown(text: str, path: str) -> str:
    """By the file's extension, as GitHub does it; text without one is shown as it is written."""
    extension = PurePosixPath(path).suffix.lower()
    if extension in MARKDOWN:
        return text
    convert = {".rst": from_rst, ".rest": from_rst, ".adoc": from_asciidoc, ".asciidoc": from_asciidoc}
    return convert.get(extension, escape)(text)


def _substitute(line: str, rules: Rules) -> str:
    if len(line) > LONGEST_LINE:
        return line
    for pattern, replacement in rules:
        line = pattern.sub(replacement, line)
    return line


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


# --- reStructuredText ---------------------------------------------------------------------------------------------

_RULE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}$")
_DIRECTIVE = re.compile(r"\s*\.\. (?:\|(?P<name>[^|\n]+)\| )?(?P<kind>[a-z-]+)::\s*(?P<argument>.*)$")
_OPTION = re.compile(r"\s+:[\w-]+:")
_TARGET = re.compile(r"\.\. _(?P<label>[^:\n]+|`[^`\n]+`):\s*(?P<url>.*)$")
_RST_INLINE: Rules = [
    (re.compile(r":[a-z]{1,30}(?::[a-z]{1,30})?:`([^`\n]+)`"), r"`\1`"),
    (re.compile(r"(?<!`)`([^`<>\n]*[^`<>\s])\s*<([^<>\s]+)>`__?"), r"[\1](\2)"),
    (re.compile(r"(?<!`)`([^`\n]+)`__?(?!\w)"), r"[\1]"),
]


def from_rst(text: str) -> str:
    lines = text.split("\n")
    labels = {match["label"].strip("`").lower() for line in lines if (match := _TARGET.match(line))}
    pictures = {
        match["name"]: f"![{match['name']}]({match['argument'].strip()})"
        for line in lines
        if (match := _DIRECTIVE.match(line)) and match["name"] and match["kind"] == "image"
    }

    def linked(word: re.Match[str]) -> str:
        return f"[{word[1]}]" if word[1].lower() in labels else word[0]

    inline = [
        *_RST_INLINE,
        (re.compile(r"(?<![\w`])([A-Za-z][\w.-]{0,60}?)_(?!\w)"), linked),
        (re.compile(r"\|([^|\n]+)\|_?_?"), lambda name: pictures.get(name[1], name[0])),
    ]
    return "\n".join(_rst_lines(lines, inline))


def _rst_lines(lines: list[str], inline: Rules) -> Iterator[str]:
    levels: list[str] = []  # the characters of the headings, in the order in which they first appear
    at = 0
    while at < len(lines):
        line, below = lines[at].rstrip(), lines[at + 1].rstrip() if at + 1 < len(lines) else ""
        at += 1
        if _RULE.match(line) and below and at + 1 < len(lines) and lines[at + 1].rstrip() == line:  # over and under
            style, title, at = line[0] * 2, below.strip(), at + 2
        elif line and line == line.lstrip() and _RULE.match(below) and len(below) >= len(line) - 1:
            style, title, at = below[0], line, at + 1
        elif target := _TARGET.match(line):
            url = target["url"].strip()
            if not url and _indent(below):
                url, at = below.strip(), at + 1
            yield f"[{target['label'].strip('`')}]: {url}"
            continue
        elif directive := _DIRECTIVE.match(line):
            at, made = _rst_directive(directive, lines, at)
            yield from made
            continue
        elif line.startswith(".. "):  # a comment
            at, _ = _indented(lines, at)
            continue
        elif line.endswith("::"):
            at, body = _indented(lines, at)
            if line != "::":
                yield _substitute(line[:-1], inline)
            yield from _fenced(body) if body else ()
            continue
        else:
            yield _substitute(line, inline)
            continue
        if style not in levels:
            levels.append(style)
        yield f"{'#' * min(levels.index(style) + 1, 6)} {_substitute(title, inline)}"


def _rst_directive(directive: re.Match[str], lines: list[str], at: int) -> tuple[int, list[str]]:
    kind, argument = directive["kind"], directive["argument"].strip()
    at, body = _indented(lines, at)
    body = list(dropwhile(_OPTION.match, body))
    rest = [line.strip() for line in body]
    if kind in ("code-block", "code", "sourcecode", "parsed-literal"):
        return at, _fenced(body, argument)
    if kind in ("image", "figure"):
        url = argument or next((line for line in rest if line), "")
        return at, [] if directive["name"] else [f"![]({url})", ""]
    if kind in NOTES.split("|"):
        return at, [f"**{kind.capitalize()}:** {argument}".strip(), *rest, ""]
    return at, []  # contents, raw, include …


def _indented(lines: list[str], at: int) -> tuple[int, list[str]]:
    """The indented lines from `at`, blank ones among them; and where they end."""
    end = at
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end])):
        end += 1
    while end > at and not lines[end - 1].strip():
        end -= 1
    return end, lines[at:end]


def _fenced(body: list[str], language: str = "") -> list[str]:
    while body and not body[0].strip():
        body = body[1:]
    margin = min((_indent(line) for line in body if line.strip()), default=0)
    longest = max((len(run) for line in body for run in re.findall("`{3,}", line)), default=2)
    fence = "`" * (longest + 1)
    return ["", f"{fence}{language}", *(line[margin:] for line in body), fence, ""]


# --- AsciiDoc -----------------------------------------------------------------------------------------------------

_ATTRIBUTE = re.compile(r":!?([\w-]+)!?:\s*(.*)$")
_HEADING = re.compile(r"(={1,6})\s+(\S.*)$")
_STYLE = re.compile(r"\[(?:source\s*,\s*([\w+-]+))?.*\]$")
_DROPPED = re.compile(r"(//.*|(ifdef|ifndef|ifeval|endif|include|toc)::.*|\[\[.*\]\]|toc::\[\]|={4,}|\*{4,}|\+|--)$")
_LISTING = re.compile(r"(-{4,}|\.{4,}|`{3,}).*$")
_ADOC_INLINE: Rules = [
    (re.compile(r"image::?([^\s\[\]]+)\[([^\]\n]*)\]"), lambda image: f"![{_first(image[2])}]({image[1]})"),
    (
        re.compile(r"(?:link|xref):([^\s\[\]]+)\[([^\]\n]*)\]"),
        lambda link: f"[{_first(link[2]) or link[1]}]({link[1]})",
    ),
    (re.compile(r"(https?://[^\s\[\]<>]+)\[([^\]\n]*)\]"), lambda link: f"[{_first(link[2]) or link[1]}]({link[1]})"),
    (re.compile(r"<<[^,<>\n]*?,\s*([^<>\n]*)>>|<<([^<>\n]*)>>"), lambda mark: mark[1] or mark[2] or ""),
    (re.compile(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])"), r"**\1**"),
    (re.compile(rf"^({NOTES}):(?= )", re.I), lambda note: f"**{note[1].capitalize()}:**"),
]
_LIST_ITEM = re.compile(r"\s*(\*+|-|\.+)\s+(\S.*)$")


def from_asciidoc(text: str) -> str:
    return "\n".join(_adoc_lines(text.split("\n")))


def _adoc_lines(lines: list[str]) -> Iterator[str]:
    attributes: dict[str, str] = {}
    language, listing, comment = "", "", False
    for line in (line.rstrip() for line in lines):
        if listing:
            yield "```" if line == listing else line
            listing = "" if line == listing else listing
        elif line == "////":
            comment = not comment
        elif comment or _DROPPED.match(line):
            continue
        elif block := _LISTING.match(line):
            listing = line if line[0] != "`" else block[1]
            yield f"```{language or line.lstrip('`-.')}"
        elif attribute := _ATTRIBUTE.match(line):
            attributes[attribute[1]] = _expand(attribute[2], attributes)
        elif style := _STYLE.match(line):
            language = style[1] or ""
            continue
        else:
            yield _adoc_line(_expand(line, attributes))
        language = ""
    if listing:
        yield "```"


def _adoc_line(line: str) -> str:
    if heading := _HEADING.match(line):
        return f"{'#' * len(heading[1])} {_substitute(heading[2], _ADOC_INLINE)}"
    if item := _LIST_ITEM.match(line):
        marker = "1." if item[1][0] == "." else "-"
        return f"{'  ' * (len(item[1]) - 1)}{marker} {_substitute(item[2], _ADOC_INLINE)}"
    if title := re.match(r"\.([^\s.].*)$", line):
        return f"**{_substitute(title[1], _ADOC_INLINE)}**"
    return _substitute(line, _ADOC_INLINE)


def _expand(line: str, attributes: dict[str, str]) -> str:
    """`{name}` replaced; once, and in bounds, so that attributes cannot grow each other."""
    return re.sub(r"\{([\w-]+)\}", lambda name: attributes.get(name[1], name[0]), line)[: len(line) + 2_000]


def _first(attributes: str) -> str:
    """The first without a name, as AsciiDoc's macros have their text."""
    return next((part.strip(' "^') for part in attributes.split(",") if "=" not in part), "")
