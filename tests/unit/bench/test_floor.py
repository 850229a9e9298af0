"""The floor does the same journey as we do, or the comparison says nothing."""

from bench import floor
from bench.stacks import STAGES
from schemas.journey import JOURNEY


def test_its_hops_are_the_stages_of_the_journey_in_order_with_the_events_that_they_consume() -> None:
    stages = [step for step in JOURNEY if step.stage in STAGES]
    assert [step.stage for step in stages] == list(floor.HOPS)
    for step in stages:
        assert floor.HOPS[step.stage][0] is step.consumes[0]
