"""Whether a delivery is from whom it says: an HMAC over its bytes, checked before anything reads them."""

import hmac
from collections.abc import Collection

from pydantic import SecretStr

WEBSUB = frozenset({"sha1", "sha256", "sha384", "sha512"})  # as WebSub has them; YouTube's hub signs with the first


def is_signed(body: bytes, header: str | None, secret: SecretStr, *, methods: Collection[str]) -> bool:
    """`header` is `method=hex`; methods other than these count for nothing, and so does every secret that is empty."""
    method, _, signature = (header or "").partition("=")
    key = secret.get_secret_value().encode()
    if method not in methods or not key:
        return False
    expected = hmac.new(key, body, method).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
