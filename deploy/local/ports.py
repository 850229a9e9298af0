"""The ports of the processes. A stage's is kept in a file, so that it can move to another before its next start."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.local.engine import free_port, port_is_free

PORTS = {"fetcher": 9111, "analyzer": 9112, "transformer": 9113, "writer": 9114, "awarder": 9115, "scheduler": 9116}


class Ports(dict[str, int]):
    """By process. `movable` are those that nobody else has to know beforehand."""

    def __init__(self, ports: dict[str, int], home: Path, movable: Iterable[str] = PORTS) -> None:
        super().__init__(ports)
        self._folder = home.absolute() / "ports"
        self._movable = frozenset(movable)

    def command(self, name: str, command: Sequence[str]) -> list[str]:
        """The same, with PORT as it is at each start."""
        if name not in self._movable:
            return ["env", f"PORT={self[name]}", *command]
        self._keep(name)
        return ["sh", "-c", 'PORT="$(cat "$0")" exec "$@"', str(self._folder / name), *command]

    def move(self, name: str) -> None:
        """To a free port, where somebody else has taken it meanwhile; the process finds it at its next start."""
        if name in self._movable and not port_is_free(self[name]):
            self[name] = free_port()
            self._keep(name)

    def _keep(self, name: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_text(str(self[name]))


def free_or_another(port: int) -> int:
    return port if port_is_free(port) else free_port()
