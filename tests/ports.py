"""Ports for what a test starts."""

import os

from deploy.local import free_port

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def own_port() -> int:
    """A free port that no other worker of this run is given."""
    while (port := free_port()) % WORKERS != WORKER:
        pass
    return port
