"""What the sandbox is set to, and what it has seen."""

from dataclasses import dataclass, field

from sandbox.calls import Calls
from sandbox.faults import Faults
from sandbox.limits import Limits
from sandbox.upstreams import all_upstreams
from sandbox.world import World

MODEL = "openai"


@dataclass
class State:
    """All that the admin API can change. `reset` brings it back to how it was started."""

    latency: float = 0.0  # seconds, for every upstream but the model
    model_latency: float = 0.0
    world: World = field(default_factory=World)
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)

    def __post_init__(self) -> None:
        self.upstreams = all_upstreams(self.world, self.limits)
        self.latencies = self._started_with()

    def _started_with(self) -> dict[str, float]:
        names = {upstream.name for upstream in self.upstreams.values()}
        return {name: self.model_latency if name == MODEL else self.latency for name in names}

    def reset(self) -> None:
        self.latencies = self._started_with()
        for part in (self.world, self.limits, self.calls):
            part.reset()
        self.faults.remove()
