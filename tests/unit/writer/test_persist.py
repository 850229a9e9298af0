"""What the writer does to a draft before it stores it: its texts are rendered, and made safe."""

from datetime import datetime
from uuid import UUID, uuid4

from kit.text.service import TextService
from records.attempts import Import
from schemas.content import Content, CoverBlock, Project, ProjectType, TextBlock
from schemas.events import Event, ProjectDrafted, SourceSynced
from services.writer.handler import persist
from services.writer.store import Saved


class Store:
    def __init__(self) -> None:
        self.saved: list[ProjectDrafted] = []

    async def save(self, event: ProjectDrafted, asked_at: datetime | None = None, /) -> Saved:
        self.saved.append(event)
        return Saved(UUID(int=7), "lanterns", created=True)

    async def apply_statuses(self, event: SourceSynced, /) -> None:
        raise AssertionError


class Imports:
    def __init__(self, found: Import) -> None:
        self._found = found

    async def of(self, event: Event, /) -> Import:
        return self._found


def drafted(*blocks: CoverBlock | TextBlock) -> ProjectDrafted:
    project = Project(
        type="github_repo", title="lanterns", description="", external_url="https://x.example/a", is_showcase=True,
        is_private=False, content=Content(blocks=blocks), project_type=ProjectType.TOOL, analysis_source="extractive",
    )  # fmt: skip
    return ProjectDrafted(id=uuid4(), import_id=uuid4(), user_id="ada", url=project.external_url, project=project)


async def stored(*blocks: CoverBlock | TextBlock) -> list[CoverBlock | TextBlock]:
    store = Store()
    saved = await persist(drafted(*blocks), store, Imports(Import()), TextService())
    assert saved is not None
    assert saved.slug == "lanterns"
    return list(store.saved[0].project.content.blocks)  # type: ignore[arg-type]


async def test_a_text_is_stored_with_what_it_looks_like() -> None:
    cover, text = await stored(CoverBlock(title="Lanterns"), TextBlock(content="**Paper** lanterns"))
    assert cover == CoverBlock(title="Lanterns")
    assert text == TextBlock(content="**Paper** lanterns", html="<p><strong>Paper</strong> lanterns</p>\n")


async def test_html_that_a_draft_brings_along_is_made_safe() -> None:
    hostile = '<p onclick="x()">Kept <script>alert(1)</script><a href="javascript:x">words</a></p>'
    (text,) = await stored(TextBlock(content="= Lanterns", format="asciidoc", html=hostile))
    assert isinstance(text, TextBlock)
    assert text.html == '<p>Kept <a rel="noopener nofollow ugc">words</a></p>'
    assert text.content == "= Lanterns"


async def test_what_nobody_rendered_is_shown_as_it_is_written() -> None:
    (text,) = await stored(TextBlock(content="* a <b>\n    c", format="org"))
    assert isinstance(text, TextBlock)
    assert text.html == "<pre>* a &lt;b&gt;\n    c</pre>"


async def test_nothing_is_rendered_for_an_import_that_has_ended() -> None:
    store = Store()
    event = drafted(TextBlock(content="words"))
    assert await persist(event, store, Imports(Import(over=True)), TextService()) is None
    assert not store.saved
