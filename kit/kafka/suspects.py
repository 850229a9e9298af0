"""Records of one partition that were under way when their owner died.

An owner that dies leaves no word of which records it had begun; all that it may have begun are suspects then. Before a
suspect is run, that it is under way is committed, so the next death is charged to those few that really were. Records
that no owner died of cost nothing.
"""

from math import isqrt

from kit.kafka.company import ANY
from kit.kafka.progress import Deaths


class Suspects:
    def __init__(self, deaths: Deaths, until: int = 0) -> None:
        """`deaths` are known of; beside them whatever lies below `until` may have been under way at one death."""
        self._deaths = dict(deaths)
        self._until = until
        self._under_way: set[int] = set()

    def deaths(self, offset: int) -> int:
        """Deliveries that ended in the death of the owner, as far as is known."""
        return self._deaths.get(offset, int(offset < self._until))

    def begun(self, offset: int) -> None:
        self._under_way.add(offset)

    def ended(self, offset: int) -> None:
        """It no longer runs: it waits, or was given up, or is finished."""
        self._under_way.discard(offset)

    def finished(self, offset: int) -> None:
        self._deaths.pop(offset, None)
        self._under_way.discard(offset)

    def told(self, closed: bool) -> dict[int, int]:
        """The deaths that the next owner is to count, should the present one die now; or has let go."""
        told = {offset: deaths for offset, deaths in self._deaths.items() if deaths > 1}
        return told if closed else told | {offset: self.deaths(offset) + 1 for offset in self._under_way}


def company(deaths: int, max_deaths: int, concurrency: int) -> int:
    """How many may run at once in the process while this record does, itself included.

    After a second death few, after a third none beside it, and none the last time before it is parked: of many that
    happened to run beside the one, no other dies with it so often.
    """
    if deaths < 2 or deaths >= max_deaths:  # then it does not run at all
        return ANY
    return 1 if deaths >= min(3, max_deaths - 1) else max(1, isqrt(concurrency))
