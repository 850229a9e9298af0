"""Composition root of stage 3, transform."""

from records.stage import Stage
from schemas.events import ContentAnalyzed, ProjectDrafted
from services.transformer.handler import transform
from services.transformer.settings import TransformerSettings


def build(settings: TransformerSettings) -> Stage:
    stage = Stage("transformer", settings)

    @stage.on(ContentAnalyzed, emits=ProjectDrafted)
    async def on_content_analyzed(event: ContentAnalyzed) -> ProjectDrafted:
        return transform(event)

    return stage


def main() -> None:
    build(TransformerSettings()).run()


if __name__ == "__main__":
    main()
