"""Where a browser may be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.auth.return_to import checked_return_to, with_query
from services.gateway.web.errors import InvalidRequestError

HOME, HOST = "https://gateway.test", "https://host.test"


def leads_to(page: str) -> str | None:
    return checked_return_to(page, home=HOME, origins=(HOST,))


def test_a_path_is_ours_and_an_allowed_origin_is_itself() -> None:
    assert leads_to("/console/?a=1") == f"{HOME}/console/?a=1"
    assert leads_to(f"{HOST}/settings") == f"{HOST}/settings"
    assert leads_to(f"{HOME}/console/") == f"{HOME}/console/"
    assert checked_return_to(None, home=HOME) is None


@given(st.text(alphabet="/\\@:.?#%hostevil \t\n\u3002", max_size=30))
def test_nothing_else_leads_anywhere(page: str) -> None:
    try:
        target = leads_to(page)
    except InvalidRequestError:
        return
    assert target
    assert target.startswith((f"{HOME}/", f"{HOST}/"))


@pytest.mark.parametrize(
    "page", ["//evil.test", "https://host.test.evil.test/", "https://HOST.test/", "http://host.test/"]
)
def test_an_origin_is_compared_whole(page: str) -> None:
    with pytest.raises(InvalidRequestError):
        leads_to(page)


def test_parameters_join_those_that_are_there() -> None:
    assert with_query(f"{HOME}/a?x=1&y=#part", z="ä &") == f"{HOME}/a?x=1&y=&z=%C3%A4+%26#part"
