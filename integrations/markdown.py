"""Markdown that leaves home: links made absolute, dangerous ones taken out; and plain text made Markdown.

One pass over the text, linear however hostile it is. Code, fenced or inline, stays as it is. This is no sanitiser:
whoever shows the text still renders it without raw HTML or sanitises the result.
"""

import html
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urljoin

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
IMAGE_SCHEMES = frozenset({"http", "https"})
NOWHERE = "#"
_IMAGE_FILE = re.compile(r"\.(png|jpe?g|gif|svg|webp|avif|bmp|ico)([?#]|$)", re.I)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.I)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_INVISIBLE = re.compile(r"[\x00-\x20\x7f\u200b-\u200f\u2060]+")
_BLOB = re.compile(r"(https://github\.com/[^/\s]+/[^/\s]+)/blob/")


@dataclass(frozen=True, slots=True)
class Places:
    """Where relative links begin: the file's own address for pages and for pictures, and the root of each."""

    page: str
    page_root: str
    image: str
    image_root: str

    @classmethod
    def of_github(cls, html_url: str, branch: str, path: str) -> "Places":
        ref, file = quote(branch), quote(path)
        page_root, image_root = f"{html_url}/blob/{ref}/", f"{html_url}/raw/{ref}/"
        if html_url.startswith("https://github.com/"):
            image_root = f"https://raw.githubusercontent.com/{html_url.removeprefix('https://github.com/')}/{ref}/"
        return cls(page_root + file, page_root, image_root + file, image_root)

    def resolve(self, target: str, *, image: bool) -> str:
        """`target` as a browser would understand it there; NOWHERE for a scheme that is not allowed."""
        plain = html.unescape(_ESCAPE.sub(r"\1", target))
        if scheme := _SCHEME.match(_INVISIBLE.sub("", plain)):
            if scheme[1].lower() not in (IMAGE_SCHEMES if image else LINK_SCHEMES):
                return NOWHERE
            return _BLOB.sub(r"\1/raw/", target) if image else target
        plain = plain.strip()
        if not plain or plain.startswith("#"):  # the page's own headings
            return target
        try:
            if plain.startswith("//"):
                return _quoted(f"https:{plain}")
            if plain.startswith("/"):
                return _quoted(urljoin(self.image_root if image else self.page_root, plain.lstrip("/")))
            absolute = urljoin(self.image if image else self.page, plain)
            if image and not absolute.startswith(self.image_root):
                absolute = urljoin(self.page, plain)  # `../../raw/main/x.png` starts from the page
            return _quoted(absolute)
        except ValueError:
            return NOWHERE


def absolutise(text: str, places: Places) -> str:
    """Links and pictures of Markdown and of HTML in it, inline or by reference, made absolute."""
    parts: list[str] = []
    for is_code, part in _fences(text):
        if is_code:
            parts.append(part)
        else:
            for block in _BLANK.split(part):  # inline code and links do not reach over blank lines
                parts.extend(_Block(block, places).rewritten() if not block.isspace() else (block,))
    return "".join(parts)


def escape(text: str) -> str:
    """Plain text as Markdown that shows just that: lines kept, links clickable, nothing else special."""
    lines = ("".join(_escaped(line.strip())) for line in text.split("\n"))
    return re.sub(r"(?<=[^\n])\n(?=[^\n])", "  \n", "\n".join(lines))


_URL = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}'*_]")
_SPECIAL = re.compile(r"[\\`*_\[\]<>~|&]")
_AT_LINE_START = re.compile(r"(#{1,6}(?=\s|$)|[-+=]|\d{1,9}(?=[.)]))")


def _escaped(line: str) -> Iterator[str]:
    start = 0
    for url in _URL.finditer(line):
        yield _escaped_words(line[start : url.start()], at_line_start=start == 0)
        yield f"<{url[0]}>"
        start = url.end()
    yield _escaped_words(line[start:], at_line_start=start == 0)


def _escaped_words(words: str, *, at_line_start: bool) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", words)
    if at_line_start and (marker := _AT_LINE_START.match(escaped)):
        cut = marker.end() if marker[0].isdigit() else 0
        return f"{escaped[:cut]}\\{escaped[cut:]}"
    return escaped


_FENCE = re.compile(r"[ \t>]*(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?(`{3,}(?=[^`]*$)|~{3,})")
_BLANK = re.compile(r"(\n(?:[ \t]*\n)+)")


def _fences(text: str) -> Iterator[tuple[bool, str]]:
    """(is code, text) in turn; an open fence reaches to the end."""
    fence, part = "", list[str]()
    for line in text.splitlines(keepends=True):
        marker = _FENCE.match(line.rstrip())
        if not fence and marker:
            yield False, "".join(part)
            fence, part = marker[1], [line]
        elif fence and line.strip(" \t>\n").startswith(fence) and not line.strip(" \t>\n").strip(fence[0]):
            yield True, "".join([*part, line])
            fence, part = "", []
        else:
            part.append(line)
    yield bool(fence), "".join(part)


# Each alternative ends at the first character that it cannot hold, so that no text is looked at twice.
_TOKEN = re.compile(
    r"""
      (?P<escaped>\\[!-/:-@\[-`{-~])
    | (?P<ticks>`+)
    | (?P<define>^[ ]{0,3}\[(?!\^)(?:[^\[\]\\\n]|\\.){1,500}+\]:[ \t]*\n?[ \t]*<?) (?P<defined>[^\s<>]*+)
    | (?P<open>!?\[)
    | (?P<close>\]\([ \t]*\n?[ \t]*<?) (?P<target>[^\s()<>\[\]]*+)
    | (?P<shut>\])
    | (?P<auto><(?=[a-z][a-z0-9+.-]{1,31}:)) (?P<uri>[^\s<>]*+)>
    | (?P<tag><[a-z](?:[^<>"']|"[^"]*"|'[^']*')*+>?)
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""(?P<before>[\s"'/](?P<name>href|src|srcset|poster|action|formaction|data|background)\s*=\s*)"""
    r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+))""",
    re.IGNORECASE,
)
_LINKS_TO = frozenset({"href", "action", "formaction", "data"})


class _Block:
    """A run of text without blank lines or fences."""

    def __init__(self, text: str, places: Places) -> None:
        self._text = text
        self._places = places
        self._ticks: dict[int, list[int]] | None = None

    def rewritten(self) -> Iterator[str]:
        text, done, brackets = self._text, 0, list[bool]()
        while token := _TOKEN.search(text, done):
            yield text[done : token.start()]
            done = token.end()
            match token.lastgroup:
                case "ticks":
                    done = self._end_of_code(token)
                    yield text[token.start() : done]
                case "open":
                    brackets.append(token[0] == "![")
                    yield token[0]
                case "shut":
                    if brackets:
                        brackets.pop()
                    yield token[0]
                case "target":
                    image = brackets.pop() if brackets else False
                    yield token["close"] + self._places.resolve(token["target"], image=image)
                case "defined":
                    target = token["defined"]
                    image = bool(_IMAGE_FILE.search(target))  # a guess, and harmless when wrong
                    yield token["define"] + self._places.resolve(target, image=image)
                case "uri":
                    safe = self._places.resolve(token["uri"], image=False) != NOWHERE
                    yield token[0] if safe else f"&lt;{token['uri']}&gt;"
                case "tag":
                    yield _ATTRIBUTE.sub(self._attribute, token[0])
                case _:
                    yield token[0]
        yield text[done:]

    def _end_of_code(self, opening: re.Match[str]) -> int:
        """Behind the next run of as many backticks; without one, the backticks are just themselves."""
        if self._ticks is None:
            self._ticks = defaultdict(list)
            for run in re.finditer("`+", self._text):
                self._ticks[len(run[0])].append(run.start())
        length = len(opening[0])
        runs = self._ticks[length]
        later = bisect_right(runs, opening.start())
        return runs[later] + length if later < len(runs) else opening.end()

    def _attribute(self, attribute: re.Match[str]) -> str:
        name = attribute["name"].lower()
        value = attribute["double"] or attribute["single"] or attribute["bare"] or ""
        if name == "srcset":
            new = ", ".join(self._candidate(part) for part in value.split(",") if part.strip())
        else:
            new = self._places.resolve(value, image=name not in _LINKS_TO)
        return attribute[0] if new == value else f'{attribute["before"]}"{html.escape(html.unescape(new))}"'

    def _candidate(self, part: str) -> str:
        url, _, size = part.strip().partition(" ")
        return f"{self._places.resolve(url, image=True)} {size}".strip()


def _quoted(url: str) -> str:
    return quote(url, safe="%/:?#@!$&*+,;=~-._()")
