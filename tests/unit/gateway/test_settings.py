"""What the gateway is told from outside, as it is written in the environment."""

import pytest
from pydantic import ValidationError

from tests.unit.gateway.support import settings


@pytest.mark.parametrize(
    ("written", "networks"),
    [
        ("10.0.0.1", ["10.0.0.1/32"]),
        (" 10.0.0.0/8 , fd00::/8,", ["10.0.0.0/8", "fd00::/8"]),
        (",", []),
    ],
)
def test_proxies_are_addresses_or_networks_and_a_comma_too_many_is_none(written: str, networks: list[str]) -> None:
    assert [str(one) for one in settings(trusted_proxies=written).trusted_proxies] == networks


def test_other_lists_forgive_a_comma_too_many_as_well() -> None:
    given = settings(return_origins="https://thrive.example,", jwt_algorithms="HS256, ,HS512")
    assert (given.return_origins, given.jwt_algorithms) == (("https://thrive.example",), ("HS256", "HS512"))
    with pytest.raises(ValidationError):
        settings(jwt_algorithms=",")


@pytest.mark.parametrize("written", ["foo", "10.0.0.1,10.0.0.1/8", "10.0.0.1 10.0.0.2"])
def test_what_is_no_proxy_is_refused_in_plain_words(written: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        settings(trusted_proxies=written)
    (error,) = refusal.value.errors()
    assert error["loc"] == ("trusted_proxies",)
    assert "is neither an address nor a network" in error["msg"]
