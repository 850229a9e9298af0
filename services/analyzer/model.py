"""The language model behind any OpenAI-compatible endpoint.

API: https://platform.openai.com/docs/api-reference/chat/create
"""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Protocol

import httpx2
import openai
import structlog
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from prometheus_client import Counter
from pydantic import ValidationError

from kit.errors import AnalysisFailedError
from kit.http import BodyLimits, BodyTooLargeError, LibraryTransport, Limits, open_transport
from schemas.content import Analysis, Item
from services.analyzer.answer import content_of, error_in, read, was_cut
from services.analyzer.dialect import Dialect, Parameter, prompt_bytes
from services.analyzer.extractive import is_silent
from services.analyzer.plain import plain, sentences
from services.analyzer.prompt import Answer, facts
from services.analyzer.refusals import REFUSING, is_of_parameters, refused_parameter
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.spend import Bill

log = structlog.get_logger()

REFUSED = Counter(
    "thrive_model_refusals", "Parameters that the model's server refused and that are left out", ["parameter"]
)
LENIENT = Counter(
    "thrive_model_lenient_answers", "Answers of the model that were read although they were not plain JSON"
)

MAX_RETRIES = 2  # of a call, in one import, with other parameters
MAX_ANSWER_BYTES = 1024 * 1024
# All that an answer can be to those who read it. Deeply nested JSON is a RecursionError.
UNUSABLE = (
    openai.OpenAIError, BodyTooLargeError, ValidationError,
    ValueError, LookupError, AttributeError, TypeError, RecursionError,
)  # fmt: skip


class UnansweredError(openai.OpenAIError):
    """The call may have been heard, and charged. The client neither asks again nor makes another error of it."""


class Refusal(Exception):
    """The server takes no such call. `parameter` is what it does not take, None where it does not say."""

    def __init__(self, parameter: Parameter | None, cause: Exception) -> None:
        super().__init__()
        self.parameter = parameter
        self.cause = cause


class Payer(Protocol):
    def paying(self, user_id: str, *, input_tokens: int, output_tokens: int) -> AbstractAsyncContextManager[Bill]:
        """Around one call of at most so many tokens. Raises SpendCapError (`services.analyzer.spend`)."""


class Model:
    """One client for the life of the process; it is closed with `resources`.

    What the server takes is learned by its refusals, and remembered as long.
    """

    def __init__(self, settings: AnalyzerSettings, spend: Payer, resources: AsyncExitStack) -> None:
        self.name = settings.openai_model
        self._temperature = settings.openai_temperature
        self._spend = spend
        self._dialect = Dialect()
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
        transport = open_transport(max_connections=settings.concurrency)
        self._client = AsyncOpenAI(
            api_key=key,
            base_url=settings.openai_base_url,
            timeout=settings.openai_timeout.total_seconds(),
            max_retries=1,  # of what was refused for a while or never sent, so that one reservation pays for both
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
        """One call, paid by the member; up to `MAX_RETRIES` more while the server's ways are being learned, each with
        a reservation of its own. Raises SpendCapError, without a call, where they cannot pay; AnalysisFailedError for
        all that a model can do wrong: refuse, ramble, time out."""
        content = facts(item)
        try:
            return self._clean(item, await self._answered(user_id, content))
        except UNUSABLE as error:
            raise AnalysisFailedError(f"The model gave no usable answer ({type(error).__name__}).") from error

    async def _answered(self, user_id: str, content: str) -> Answer:
        tried: list[Dialect] = [self._dialect]
        while True:
            try:
                answer = await self._asked(user_id, tried[-1], content)
            except Refusal as refusal:
                simpler = self._next(tried, refusal.parameter)
                if simpler is None or len(tried) > MAX_RETRIES:
                    raise refusal.cause from None
                tried.append(simpler)
            else:
                if len(tried) > 1:
                    self._learn(tried[-1])
                return answer

    def _next(self, tried: list[Dialect], parameter: Parameter | None) -> Dialect | None:
        """What the server named is remembered at once. A guess is remembered when it has been answered, as the refusal
        may have been of this content alone."""
        last = tried[-1]
        if parameter not in (None, Parameter.ROOM):
            REFUSED.labels(parameter).inc()
            if parameter is not Parameter.SHAPE or self._dialect.shape is last.shape:
                self._learn(self._dialect.without(parameter) or self._dialect)
        if self._dialect not in tried:  # learned just now, or by another call meanwhile
            return self._dialect
        return last.simpler() if parameter is None else last.without(parameter)

    def _learn(self, dialect: Dialect) -> None:
        if dialect != self._dialect:
            self._dialect = dialect
            log.info("the model's server takes other parameters", model=self.name, **dialect.described())

    async def _asked(self, user_id: str, dialect: Dialect, content: str) -> Answer:
        """One call. Raises Refusal where another one may be taken."""
        # No tokeniser makes more tokens than bytes
        most = prompt_bytes(dialect) + len(content.encode())
        try:
            async with self._spend.paying(user_id, input_tokens=most, output_tokens=dialect.most_tokens) as bill:
                completion = await self._complete(dialect.request(self.name, self._temperature, content))
                bill.usage = completion.usage
        except openai.APIStatusError as error:
            if error.status_code in REFUSING and is_of_parameters(error.body):
                raise Refusal(refused_parameter(error.body), error) from error
            raise
        if (told := error_in(completion)) is not None:
            fault = ValueError("an error instead of an answer")
            raise Refusal(refused_parameter(told), fault) if is_of_parameters(told) else fault
        try:
            answer, leniently = read(content_of(completion))
        except UNUSABLE as error:
            if was_cut(completion):
                raise Refusal(Parameter.ROOM, error) from error
            raise
        if leniently:
            LENIENT.inc()
        return answer

    async def _complete(self, body: dict[str, Any]) -> ChatCompletion:
        # Not `chat.completions.create`, which walks through the whole request for values to convert: a quarter of the
        # stage's CPU, and there are none.
        return await self._client.post("/chat/completions", cast_to=ChatCompletion, body=body)

    def _clean(self, item: Item, answer: Answer) -> Analysis:
        """Bound, and leave only words. Of a video whose author wrote nothing only its title is known."""
        names = (plain(name)[:60].strip() for name in answer.technologies)
        description = "" if is_silent(item) else sentences(answer.description)
        if not description and not is_silent(item):
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
