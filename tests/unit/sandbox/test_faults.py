import pytest

from sandbox.faults import Faults, Rule


def _picks(faults: Faults, calls: int, path: str = "/repos/a/b") -> list[bool]:
    return [faults.pick("github", "GET", path, "") is not None for _ in range(calls)]


def test_a_rule_heals_after_its_times() -> None:
    faults = Faults()
    faults.add({"upstream": "github", "times": 2})
    assert _picks(faults, 4) == [True, True, False, False]


def test_a_rule_hits_only_what_it_describes() -> None:
    rule = Rule("github", path="/repos/a/*", method="GET", contains="page=2")
    assert rule.matches("github", "GET", "/repos/a/b", "GET /repos/a/b?page=2")
    assert not rule.matches("youtube", "GET", "/repos/a/b", "page=2")
    assert not rule.matches("github", "POST", "/repos/a/b", "page=2")
    assert not rule.matches("github", "GET", "/repos/c/b", "page=2")
    assert not rule.matches("github", "GET", "/repos/a/b", "page=1")
    assert Rule("*").matches("anything", "GET", "/", "")


def test_the_first_matching_rule_wins_and_the_next_takes_over_when_it_heals() -> None:
    faults = Faults()
    first = faults.add({"upstream": "github", "times": 1})
    second = faults.add({"upstream": "github"})
    assert faults.pick("github", "GET", "/", "") is first
    assert faults.pick("github", "GET", "/", "") is second
    faults.remove(second.id)
    assert faults.pick("github", "GET", "/", "") is None


def test_the_same_seed_draws_the_same_calls() -> None:
    drawn = []
    for _ in range(2):
        faults = Faults()
        faults.add({"upstream": "github", "probability": 0.3, "seed": 7})
        drawn.append(_picks(faults, 200))
    assert drawn[0] == drawn[1]
    assert 30 < sum(drawn[0]) < 90


@pytest.mark.parametrize("rule", [{}, {"upstream": "github", "statsu": 503}, {"upstream": "github", "hits": 3}])
def test_a_rule_with_unknown_fields_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a rule needs"):
        Faults().add(rule)
