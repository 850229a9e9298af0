"""Ports for what a test starts."""

import os

from deploy.local import free_port

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))

_given: set[int] = set()


def own_port() -> int:
    """A free port that nobody else in this run is given: whoever it is for may take a while before it listens."""
    while (port := free_port()) in _given or port % WORKERS != WORKER:
        pass
    _given.add(port)
    return port
