"""A record that kills its consumer, on real Kafka: it ends in the dead letters, and everything else is done."""

from kit.kafka import dead_letters
from tests.e2e.kafka.rig import PARTITIONS, Rig, numbered, order_faults, until

DEADLY = 57
MAX_DEATHS = 3
TOO_MANY = 8  # members that died


async def test_a_record_that_kills_its_consumer_again_and_again_is_parked(rig: Rig) -> None:
    await rig.produce(numbered(300, keys=30))

    async def settled() -> bool:
        """A member that has died is followed by the next, as by a process manager."""
        if not rig.members or rig.members[-1].process.poll() is not None:
            assert len(rig.members) < TOO_MANY, "it kills every one of them"
            rig.spawn(mean_seconds=0.02, deadly=[DEADLY], max_deaths=MAX_DEATHS)
        committed = await rig.committed()
        return len(committed) == PARTITIONS and committed == await rig.ends()

    await until(settled, "everything is handled or parked", 150)
    (letter,) = await dead_letters.read(rig.kafka, [rig.stage])
    assert (letter.reason, letter.attempts, letter.truncated) == ("kills_consumer", MAX_DEATHS, False)
    assert f'"n":{DEADLY}'.encode() in (letter.value or b"")
    assert rig.noted("start").count(DEADLY) == MAX_DEATHS
    assert rig.noted("told") == [DEADLY]
    published = await rig.published()
    assert {event.n for event in published} == set(range(1, 301)) - {DEADLY}
    assert order_faults(published) == []
    assert await rig.members[-1].terminate() == 0
