"""The extractive analysis of foreign texts, which must not harm this process: longer ones go to a worker process."""

from kit.workers.pool import Run, WorkerFailedError
from schemas.content import Analysis, Item
from services.analyzer.extractive import extract

AT_ONCE = 1_024  # characters; a hostile text of that length takes a few milliseconds


class OwnWords:
    """Without `run` everything is done at once, in this process."""

    def __init__(self, run: Run | None = None) -> None:
        self._run = run

    async def __call__(self, item: Item) -> Analysis:
        """Never fails: where the text is more than a worker may spend on it, the name and the languages have to do."""
        if self._run is None or len(item.description) + len(item.text) + len(item.text_html or "") <= AT_ONCE:
            return extract(item)
        try:
            found = await self._run("extract", item=item.model_dump(mode="json", exclude={"metadata"}))
        except WorkerFailedError:  # counted and logged there
            return extract(item.model_copy(update={"description": "", "text": "", "text_html": None}))
        return Analysis.model_validate(found)
