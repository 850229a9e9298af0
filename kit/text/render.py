"""A text as HTML that is safe to show, rendered once, by what it was written in."""

import re
from html import escape

from nh3 import Cleaner

from kit.text import policy
from kit.text.characters import printable
from kit.text.enrich import enriched
from kit.text.lexer import pieces
from kit.text.markdown import to_html
from kit.text.plain import linked
from kit.text.policy import Resolve, absolute_only
from kit.text.tidy import TAGS, tidy, written

MARKDOWN = "markdown"
MAX_HTML_CHARS = 2 * 1024 * 1024  # what is longer is cut
MAX_SAFE_CHARS = MAX_HTML_CHARS * 3 // 2  # escaped anew it may grow a little; hostile text, five times


def render(content: str, text_format: str, html: str | None = None) -> str:
    """`html` is the same as its upstream rendered it, where it has. What nobody rendered is shown as it is written."""
    if html:
        return safe(html)
    if text_format == MARKDOWN:
        return sanitised(
            written(enriched(tidy(pieces(printable(to_html(content))), policy.attributes())), MAX_HTML_CHARS)
        )
    return verbatim(content)


def safe(html: str, resolve: Resolve = absolute_only, max_chars: int = MAX_HTML_CHARS) -> str:
    return sanitised(written(tidy(pieces(printable(html)), policy.attributes(resolve)), max_chars))


def verbatim(content: str) -> str:
    """Plain text with its columns; addresses in it can be followed."""
    return safe(f"<pre>{linked(content, MAX_HTML_CHARS)}</pre>")


def bare(content: str) -> str:
    """What is left where nothing else could be made of it: the text, and that in a moment."""
    return f"<pre>{escape(content[: MAX_HTML_CHARS // 6])}</pre>"


def sanitised(html: str) -> str:
    """The last word, by a parser of its own: nothing that runs, and nothing that reaches beyond its frame."""
    clean = _CLEANER.clean(html)
    return clean if len(clean) <= MAX_SAFE_CHARS else _CLEANER.clean(html[: MAX_SAFE_CHARS // 5])


_OWN_ANCHOR = re.compile(rf"#(?:{policy.PREFIX}\S+)?")
_CLEANER = Cleaner(
    tags=set(TAGS),
    attributes={"*": set(policy.EVERYWHERE), **{tag: set(names) for tag, names in policy.ALLOWED.items()}},
    clean_content_tags={"script", "style"},
    url_schemes={"http", "https", "mailto"},
    url_relative=lambda url: url if _OWN_ANCHOR.fullmatch(url) else None,
    link_rel=policy.REL,
    id_prefix=policy.PREFIX,
    set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},
    strip_comments=True,
)
