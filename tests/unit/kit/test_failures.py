"""Whose import a record belongs to, and what its owner is told."""

import json
from datetime import datetime
from uuid import UUID

import pytest
from bson import encode
from bson.errors import InvalidDocument
from pymongo.errors import AutoReconnect, DocumentTooLarge, OperationFailure, ServerSelectionTimeoutError

from kit.errors import (
    AnalysisFailedError,
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    InvalidURLError,
    Outcome,
    RateLimitError,
    ReauthRequiredError,
    UpstreamUnavailableError,
)
from kit.mongo import connect
from kit.settings import MongoSettings
from records.deferred import WAITS_HEADER
from records.stage_failures import Origin, StageFailures
from records.waits import MAX_HELD_WAITS
from schemas.events import Event, ImportFailed, SourceSynced, SyncRequested
from tests.unit.kit.records import EVENT, IMPORT_ID, URL, USER_ID, record

CLOUD = (("ce_id", str(UUID(int=9)).encode()), ("ce_subject", str(IMPORT_ID).encode()))


class Stage:
    """The failures of a stage whose publications are kept. Its database is never reached."""

    def __init__(self) -> None:
        self.published: list[ImportFailed] = []
        self.failures = StageFailures("fetcher", connect(MongoSettings()), self._publish, outage_waits=())

    async def _publish(self, event: Event) -> None:
        assert isinstance(event, ImportFailed)
        self.published.append(event)


def test_an_event_tells_whose_it_is() -> None:
    origin = Origin.of(record())
    assert origin is not None
    assert (origin.id, origin.import_id, origin.user_id, origin.url) == (EVENT.id, IMPORT_ID, USER_ID, URL)


@pytest.mark.parametrize("value", [b"no json", b"", None, b"[1, 2]", b"null", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_a_body_that_cannot_be_read_is_helped_out_by_headers_and_key(value: bytes | None) -> None:
    origin = Origin.of(record(value, headers=CLOUD))
    assert origin is not None
    assert (origin.id, origin.import_id, origin.user_id, origin.url) == (UUID(int=9), IMPORT_ID, USER_ID, URL)


def test_a_body_that_is_cut_off_tells_what_it_has_told_by_then() -> None:
    long = json.loads(EVENT.model_dump_json()) | {"text": "word " * 1_000}
    origin = Origin.of(record(json.dumps(long).encode()[:2_000], key=None))
    assert origin is not None
    assert (origin.id, origin.import_id, origin.user_id, origin.url) == (EVENT.id, IMPORT_ID, USER_ID, URL)


def test_a_body_of_a_version_to_come_still_tells() -> None:
    later = json.loads(EVENT.model_dump_json()) | {"new_field": {"a": 1}}
    assert Origin.of(record(json.dumps(later).encode())) is not None


@pytest.mark.parametrize(
    ("value", "key", "headers"),
    [
        (b"junk", b"junk", ()),
        (None, None, ()),
        (b"{}", None, CLOUD),
        (b'{"id": 1, "import_id": 2}', EVENT.key, ()),
        (b"junk", EVENT.key, (("ce_id", b"\xff"), ("ce_subject", b"nonsense"))),
        (b"junk", b"user not-a-link", CLOUD),
    ],
)
def test_a_record_that_tells_nothing_belongs_to_nobody(
    value: bytes | None, key: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> None:
    assert Origin.of(record(value, key=key, headers=headers)) is None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RateLimitError("x"), Outcome.DEFER),
        (UpstreamUnavailableError("x"), Outcome.DEFER),
        (ReauthRequiredError("YouTube", "youtube", "connection:ada:youtube"), Outcome.DEFER),
        (InvalidURLError("x"), Outcome.FAIL),
        (IntegrationAuthError("x"), Outcome.FAIL),
        (ContentNotFoundError("x"), Outcome.FAIL),
        (AnalysisFailedError("x"), Outcome.FAIL),
        (KeyError("a bug"), Outcome.PARK),
        (AutoReconnect("electing"), Outcome.HOLD),
        (ServerSelectionTimeoutError("away"), Outcome.HOLD),
    ],
)
async def test_what_happens_next_follows_from_the_error(error: Exception, outcome: Outcome) -> None:
    assert Stage().failures.outcome(error) is outcome


async def test_the_owner_reads_what_went_wrong_and_what_to_do() -> None:
    stage = Stage()
    await stage.failures.fail(record(), ContentNotFoundError("There is no such repository."))
    (failed,) = stage.published
    assert (failed.import_id, failed.user_id, failed.url, failed.stage) == (IMPORT_ID, USER_ID, URL, "fetcher")
    assert failed.error == "There is no such repository."
    assert failed.error_code == "CONTENT_NOT_FOUND"
    assert failed.action == ContentNotFoundError.action
    assert failed.suggestion == ContentNotFoundError.suggestion


async def test_a_bug_is_told_in_general_words() -> None:
    stage = Stage()
    await stage.failures.fail(record(), KeyError("secret detail"))
    (failed,) = stage.published
    assert failed.error_code == "INTERNAL_ERROR"
    assert "secret detail" not in failed.model_dump_json()


async def test_words_that_are_too_long_are_cut_and_not_refused() -> None:
    stage = Stage()
    await stage.failures.fail(record(), ImportProblem("e" * 5_000, suggestion="s" * 5_000))
    assert (len(stage.published[0].error), len(stage.published[0].suggestion)) == (500, 500)


async def test_a_redelivered_failure_is_the_same_event_and_one_after_a_wait_is_another() -> None:
    stage = Stage()
    await stage.failures.fail(record(), InvalidURLError("x"))
    await stage.failures.fail(record(), InvalidURLError("x"))
    await stage.failures.fail(record(headers=((WAITS_HEADER, b"1"),)), InvalidURLError("x"))
    first, again, later = stage.published
    assert first == again
    assert first.id != later.id


async def test_a_failure_without_an_owner_is_published_to_nobody() -> None:
    stage = Stage()
    await stage.failures.fail(record(b"junk", key=None), KeyError("x"))
    assert stage.published == []


async def test_an_outage_that_outlasts_its_waits_fails_the_import() -> None:
    stage = Stage()
    await stage.failures.defer(record(), UpstreamUnavailableError("GitHub does not answer."))
    assert [event.error_code for event in stage.published] == ["UPSTREAM_UNAVAILABLE"]


@pytest.mark.parametrize("count", [b"9" * 5_000, b"9" * 10, b"-1", b"\xb2", b"1.5", b"", b" "])
async def test_a_count_of_waits_that_is_none_of_ours_counts_nothing(count: bytes) -> None:
    stage, error = Stage(), InvalidURLError("x")
    await stage.failures.fail(record(headers=((WAITS_HEADER, count),)), error)
    await stage.failures.fail(record(), error)
    odd, plain = stage.published
    assert odd == plain


async def test_what_waits_for_a_consent_that_never_comes_fails_in_the_end_and_says_what_is_missing() -> None:
    stage = Stage()
    problem = ReauthRequiredError("YouTube", "youtube", "connection:ada:youtube")
    await stage.failures.defer(record(headers=((WAITS_HEADER, str(MAX_HELD_WAITS).encode()),)), problem)
    (failed,) = stage.published
    assert (failed.error_code, failed.action) == ("AUTH_ERROR", "connect_youtube")


def test_a_document_that_nobody_could_store_is_the_records_fault() -> None:
    with pytest.raises(InvalidDocument) as refused:
        encode({"a\0b": 1})
    failures = Stage().failures
    assert failures.outcome(refused.value) is Outcome.PARK
    assert failures.blames_record(refused.value)
    with pytest.raises(OverflowError) as out_of_range:
        encode({"a": datetime.fromisoformat("0001-01-01T00:00:00+14:00")})
    with pytest.raises(OverflowError) as too_many_bytes:
        encode({"a": 2**63})
    assert failures.blames_record(out_of_range.value)
    assert failures.blames_record(too_many_bytes.value)
    assert failures.blames_record(DocumentTooLarge("large"))
    assert failures.blames_record(OperationFailure("larger", 10_334))
    assert not failures.blames_record(OperationFailure("not allowed", 13))
    assert not failures.blames_record(LookupError())


@pytest.mark.parametrize("event", [SyncRequested, SourceSynced])
async def test_no_import_fails_with_a_sync_of_a_source(event: type[Event]) -> None:
    stage, of_a_source = Stage(), record()
    of_a_source.topic = event.topic
    await stage.failures.fail(of_a_source, KeyError("a bug"))
    assert stage.published == []
