"""`:rocket:` as GitHub writes it. Its table comes with a Markdown parser, which is asked for one name at a time."""

import re
from functools import lru_cache

from comrak import ExtensionOptions, render_markdown

SHORTCODE = re.compile(r":([a-z0-9+][a-z0-9_+-]{0,59}+|-1):")


def with_emoji(text: str) -> str:
    """Unknown names stay as they are written."""
    return SHORTCODE.sub(lambda code: _emoji(code[1]), text) if ":" in text else text


@lru_cache(maxsize=4_096)
def _emoji(name: str) -> str:
    options = ExtensionOptions()
    options.shortcodes = True
    found = render_markdown(f":{name}:", options).removeprefix("<p>").removesuffix("</p>\n")
    return f":{name}:" if found.isascii() else found
