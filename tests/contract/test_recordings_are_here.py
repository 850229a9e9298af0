import pytest

from tests.recordings import HERE, MISSING, REQUIRED


@pytest.mark.skipif(not HERE and not REQUIRED, reason=MISSING)
def test_a_ci_holds_the_providers_to_the_recordings() -> None:
    assert HERE, MISSING
