"""What the sandbox is set to, and what it has seen."""

from dataclasses import dataclass, field

from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.courier import Courier
from sandbox.faults import Faults
from sandbox.limits import Limits
from sandbox.oauth.consent import Consents
from sandbox.oauth.grants import Grants
from sandbox.upstreams import all_upstreams
from sandbox.upstreams.github.webhooks import Webhooks
from sandbox.upstreams.websub import Hub
from sandbox.world import World

MODEL = "openai"


@dataclass
class State:
    """All that the admin API can change. `reset` brings it back to how it was started."""

    latency: float = 0.0  # seconds, for every upstream but the model
    model_latency: float = 0.0
    clock: Clock = field(default_factory=Clock)
    world: World = field(default_factory=World)
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)
    consents: Consents = field(default_factory=Consents)
    courier: Courier = field(default_factory=Courier)

    def __post_init__(self) -> None:
        self.limits = Limits(self.clock)
        self.grants = Grants(self.clock)
        self.hub = Hub(self.courier, self.clock)
        self.webhooks = Webhooks(self.courier)
        self.upstreams = all_upstreams(self.world, self.limits, self.grants, self.consents, self.hub)
        self.latencies = self._started_with()

    def _started_with(self) -> dict[str, float]:
        names = {upstream.name for upstream in self.upstreams.values()}
        return {name: self.model_latency if name == MODEL else self.latency for name in names}

    def reset(self) -> None:
        self.latencies = self._started_with()
        for part in (self.clock, self.world, self.limits, self.calls, self.grants, self.consents):
            part.reset()
        for pushing in (self.courier, self.hub, self.webhooks):
            pushing.reset()
        self.faults.remove()
