"""Deliveries: only those that are signed with the secret, over these very bytes, count."""

import hmac
import json

import pytest
from pydantic import SecretStr

from integrations.github.webhook import WEBHOOK
from services.gateway.webhooks.signatures import WEBSUB, is_signed

SECRET = SecretStr("a secret of the webhook")
BODY = json.dumps({"ref": "refs/heads/main", "size": 1}).encode()


def signed(body: bytes = BODY, method: str = "sha256", secret: str = SECRET.get_secret_value()) -> str:
    return f"{method}={hmac.new(secret.encode(), body, method).hexdigest()}"


def flipped(text: str, place: int) -> str:
    return f"{text[:place]}{'0' if text[place] != '0' else '1'}{text[place + 1 :]}"


@pytest.mark.parametrize("method", sorted(WEBSUB))
def test_a_hub_signs_by_each_method_that_websub_has(method: str) -> None:
    assert is_signed(BODY, signed(method=method), SECRET, methods=WEBSUB)


def test_githubs_example_holds() -> None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert is_signed(b"Hello, World!", header, SecretStr("It's a Secret to Everybody"), methods=WEBHOOK.methods)


def test_no_bit_of_the_body_may_differ() -> None:
    for bit in range(len(BODY) * 8):
        altered = bytearray(BODY)
        altered[bit // 8] ^= 1 << bit % 8
        assert not is_signed(bytes(altered), signed(), SECRET, methods=WEBHOOK.methods)


def test_no_character_of_the_signature_may_differ() -> None:
    header = signed()
    for place in range(len(header)):
        assert not is_signed(BODY, flipped(header, place), SECRET, methods=WEBHOOK.methods)


def test_the_same_json_in_other_bytes_is_another_body() -> None:
    again = json.dumps(json.loads(BODY), separators=(",", ":")).encode()
    assert not is_signed(again, signed(), SECRET, methods=WEBHOOK.methods)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256",
        "sha256=",
        "=",
        signed()[len("sha256=") :],
        signed(secret="another secret"),
        signed(secret=""),
        signed(method="sha1"),  # not from GitHub
        signed(method="md5"),
        signed().upper(),
        f" {signed()}",
        f"{signed()} ",
        f"{signed()}, {signed()}",
        "sha256=" + "é" * 64,
        "sha256=\udcff" * 8,
        "update=" + "0" * 64,
    ],
)
def test_what_is_not_signed_by_the_secret_and_the_method_counts_for_nothing(header: str | None) -> None:
    assert not is_signed(BODY, header, SECRET, methods=WEBHOOK.methods)


def test_without_a_secret_nothing_is_signed() -> None:
    assert not is_signed(BODY, signed(secret=""), SecretStr(""), methods=WEBHOOK.methods)
