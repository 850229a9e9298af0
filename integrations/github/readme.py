"""A repository's README. https://docs.github.com/en/rest/repos/contents#get-a-repository-readme"""

import base64
import binascii
from urllib.parse import quote, urlsplit

from integrations.base import nonsense
from integrations.coerce import as_line, as_text
from integrations.github.limits import TITLE
from integrations.github.sync import Answers
from kit.text.document import Document
from kit.text.formats import MARKDOWN, format_of
from kit.text.places import Places
from kit.text.service import TextService


async def text(texts: TextService, answers: Answers, html_url: str, branch: str) -> Document:
    """Empty where there is none. `html_url` is the repository's page."""
    data = answers.raw if answers.raw is not None else _decoded(as_text(answers.file.get("content")))
    if not data:
        return Document("", MARKDOWN)
    path = as_line(answers.file.get("path")) or "README.md"
    return await texts.read(data, format_of(path), places(html_url, branch, path), answers.html)


def places(html_url: str, branch: str, path: str) -> Places:
    """Where links begin. GitHub's `raw` addresses serve every file: also those that Git LFS keeps, of which
    raw.githubusercontent.com has nothing but the pointers."""
    ref, file = quote(branch), quote(path)
    page_root, image_root = f"{html_url}/blob/{ref}/", f"{html_url}/raw/{ref}/"
    return Places(
        page=page_root + file,
        page_root=page_root,
        image=image_root + file,
        image_root=image_root,
        at_host=tuple(f"{urlsplit(html_url).path}/{kind}/" for kind in ("blob", "raw", "tree", "wiki", "issues")),
        forge=html_url.rsplit("/", 2)[0],
    )


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError):
        raise nonsense(TITLE) from None
