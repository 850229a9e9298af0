"""The language model behind any OpenAI-compatible endpoint.

API: https://platform.openai.com/docs/api-reference/chat/create
"""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol

import httpx2
import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from kit.errors import AnalysisFailedError
from kit.http import BodyLimits, BodyTooLargeError, LibraryTransport, Limits, open_transport
from schemas.content import Analysis, Item
from services.analyzer.plain import plain, sentences
from services.analyzer.prompt import ANSWER_FORMAT, INSTRUCTIONS, Answer, facts
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.spend import Bill

MAX_ANSWER_TOKENS = 500
MAX_ANSWER_BYTES = 1024 * 1024
FORMAT_TOKENS = 500  # the schema of the answer, and what frames the messages
# All that an answer can be to those who read it. Deeply nested JSON is a RecursionError.
UNUSABLE = (
    openai.OpenAIError, BodyTooLargeError, ValidationError,
    ValueError, LookupError, AttributeError, TypeError, RecursionError,
)  # fmt: skip


class UnansweredError(openai.OpenAIError):
    """The call may have been heard, and charged. The client neither asks again nor makes another error of it."""


class Payer(Protocol):
    def paying(self, user_id: str, *, input_tokens: int, output_tokens: int) -> AbstractAsyncContextManager[Bill]:
        """Around one call of at most so many tokens. Raises SpendCapError (`services.analyzer.spend`)."""


class Model:
    """One client for the life of the process; it is closed with `resources`."""

    def __init__(self, settings: AnalyzerSettings, spend: Payer, resources: AsyncExitStack) -> None:
        self.name = settings.openai_model
        self._temperature = settings.openai_temperature
        self._spend = spend
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
        transport = open_transport(max_connections=settings.concurrency)
        self._client = AsyncOpenAI(
            api_key=key,
            base_url=settings.openai_base_url,
            timeout=settings.openai_timeout.total_seconds(),
            max_retries=1,  # of what was refused or never sent, so that one reservation pays for both
            # The default transport costs several times the CPU under load (docs/adr/0004), and bounds nothing.
            http_client=httpx2.AsyncClient(
                transport=LibraryTransport(
                    transport,
                    [settings.openai_base_url],
                    service="The model",
                    limits=limits(settings),
                    unavailable=httpx2.ConnectError,  # which the client knows, and asks again for
                    unanswered=UnansweredError,
                ),
                follow_redirects=False,  # the key and the content are for this endpoint only
            ),
        )
        resources.push_async_callback(transport.aclose)
        resources.push_async_callback(self._client.close)

    async def analyse(self, user_id: str, item: Item) -> Analysis:
        """One call, paid by the member. Raises SpendCapError, without a call, where they cannot; AnalysisFailedError
        for all that a model can do wrong: refuse, ramble, time out."""
        content = facts(item)
        # No tokeniser makes more tokens than bytes
        most = len(INSTRUCTIONS.encode()) + len(content.encode()) + FORMAT_TOKENS
        try:
            async with self._spend.paying(user_id, input_tokens=most, output_tokens=MAX_ANSWER_TOKENS) as bill:
                completion = await self._complete(content)
                bill.usage = completion.usage
            return self._clean(completion.choices[0].message.content or "")
        except UNUSABLE as error:
            raise AnalysisFailedError(f"The model gave no usable answer ({type(error).__name__}).") from error

    async def _complete(self, content: str) -> ChatCompletion:
        # Not `chat.completions.create`, which walks through the whole request for values to convert: a quarter of the
        # stage's CPU, and there are none.
        return await self._client.post(
            "/chat/completions",
            cast_to=ChatCompletion,
            body={
                "model": self.name,
                "temperature": self._temperature,
                "max_tokens": MAX_ANSWER_TOKENS,
                "messages": [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": content}],
                "response_format": ANSWER_FORMAT,
            },
        )

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


def limits(settings: AnalyzerSettings) -> Limits:
    """A model is silent until it has thought: it may be for as long as it may take."""
    seconds = settings.openai_timeout.total_seconds()
    return Limits(read=seconds, total=seconds, body=BodyLimits(wire=MAX_ANSWER_BYTES, decoded=MAX_ANSWER_BYTES))
