"""The language model behind any OpenAI-compatible endpoint.

API: https://platform.openai.com/docs/api-reference/chat/create
"""

from contextlib import AsyncExitStack

import httpx2
import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from kit.errors import AnalysisFailedError
from kit.http import BodyTooLargeError, open_transport
from schemas.content import Analysis, Item
from services.analyzer.plain import plain, sentences
from services.analyzer.prompt import ANSWER_FORMAT, INSTRUCTIONS, Answer, facts
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.transport import BoundedTransport

MAX_ANSWER_TOKENS = 500
# All that an answer can be to those who read it. Deeply nested JSON is a RecursionError.
UNUSABLE = (
    openai.OpenAIError, BodyTooLargeError, ValidationError,
    ValueError, LookupError, AttributeError, TypeError, RecursionError,
)  # fmt: skip


class Model:
    """One client for the life of the process; it is closed with `resources`."""

    def __init__(self, settings: AnalyzerSettings, resources: AsyncExitStack) -> None:
        self.name = settings.openai_model
        self._temperature = settings.openai_temperature
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
        self._client = AsyncOpenAI(
            api_key=key,
            base_url=settings.openai_base_url,
            timeout=settings.openai_timeout.total_seconds(),
            max_retries=1,
            # The default transport costs several times the CPU under load (docs/adr/0004), and bounds nothing.
            http_client=httpx2.AsyncClient(
                transport=BoundedTransport(open_transport(max_connections=settings.concurrency)),
                follow_redirects=False,  # the key and the content are for this endpoint only
            ),
        )
        resources.push_async_callback(self._client.close)

    async def analyse(self, item: Item) -> Analysis:
        """One call. Raises AnalysisFailedError for all that a model can do wrong: refuse, ramble, time out."""
        try:
            # Not `chat.completions.create`, which walks through the whole request for values to convert: a quarter of
            # the stage's CPU, and there are none.
            completion = await self._client.post(
                "/chat/completions",
                cast_to=ChatCompletion,
                body={
                    "model": self.name,
                    "temperature": self._temperature,
                    "max_tokens": MAX_ANSWER_TOKENS,
                    "messages": [
                        {"role": "system", "content": INSTRUCTIONS},
                        {"role": "user", "content": facts(item)},
                    ],
                    "response_format": ANSWER_FORMAT,
                },
            )
            return self._clean(completion.choices[0].message.content or "")
        except UNUSABLE as error:
            raise AnalysisFailedError(f"The model gave no usable answer ({type(error).__name__}).") from error

    def _clean(self, content: str) -> Analysis:
        """Validate, bound, and leave only words."""
        answer = Answer.model_validate_json(content)
        names = (plain(name)[:60] for name in answer.technologies)
        description = sentences(answer.description)
        if not description:
            raise ValueError("the description holds no words")
        return Analysis(
            description=description,
            technologies=tuple(dict.fromkeys(name for name in names if name))[:12],
            project_type=answer.project_type,
            source="model",
            model=self.name,
        )
