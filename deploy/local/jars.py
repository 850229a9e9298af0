"""Kafka's jars, from Maven by coordinate, held to the SHA-256 sums in `kafka.lock`.

`kafka.lock` is jgo's lock file; `python -m deploy.local lock` resolves it again.
"""

import hashlib
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import requests
from jgo.env import LockedDependency, LockFile
from jgo.maven import MavenContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.local.engine import EngineError

LOCK = Path(__file__).with_name("kafka.lock")
# Kafka brings SLF4J without a binding, and would be mute.
ROOTS = ("org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36")


def ensure_jars(directory: Path, lock: Path = LOCK, context: MavenContext | None = None) -> list[Path]:
    """The locked jars in `directory`, downloaded where absent, verified always; the class path in the lock's order.

    `context` is where jgo looks (default: Maven Central). Raises EngineError.
    """
    wanted = {directory / _filename(jar): jar for jar in LockFile.load(lock).dependencies}
    missing = {path: jar for path, jar in wanted.items() if not path.exists()}
    if missing:
        directory.mkdir(parents=True, exist_ok=True)
        _download(missing, directory, context)
    for path in wanted.keys() - missing.keys():
        _verify(path, wanted[path], f"Delete {path} and start again: it is then downloaded anew.")
    return list(wanted)


def resolve_lock(lock: Path = LOCK) -> int:
    """Resolve `ROOTS` anew and write the lock; returns the number of jars."""
    with tempfile.TemporaryDirectory() as cache:
        context = MavenContext(repo_cache=Path(cache), timeout=30)
        roots, others = context.resolver.resolve([context.create_dependency(root) for root in ROOTS])
        jars = [*roots, *(jar for jar in others if jar.scope in ("compile", "runtime"))]
        jars.sort(key=lambda jar: (jar.groupId, jar.artifactId))
        LockFile.from_resolved_dependencies(jars).save(lock)
        return len(jars)


def _filename(jar: LockedDependency) -> str:
    classifier = f"-{jar.classifier}" if jar.classifier else ""
    return f"{jar.artifactId}-{jar.version}{classifier}.{jar.packaging}"


def _download(jars: dict[Path, LockedDependency], directory: Path, context: MavenContext | None) -> None:
    """Through a scratch folder: only a complete, verified jar is moved to its place, so a broken-off download or a
    second process doing the same leaves nothing behind that could be taken for a jar."""
    console = Console(stderr=True)
    console.print(f"Downloading Apache Kafka into {directory}: {len(jars)} jars, once.", highlight=False)
    columns = TextColumn("  {task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    source = context or MavenContext(timeout=30)
    source.repo_cache = Path(tempfile.mkdtemp(prefix=".download-", dir=directory))
    try:
        with Progress(*columns, console=console) as progress, ThreadPoolExecutor(8) as pool:
            task = progress.add_task("", total=len(jars))
            downloads = {pool.submit(_fetch, source, path, jar): path for path, jar in jars.items()}
            try:
                for download in as_completed(downloads):
                    download.result()
                    progress.update(task, advance=1, description=downloads[download].name)
            finally:
                pool.shutdown(cancel_futures=True)
    except (requests.RequestException, RuntimeError) as error:  # jgo says RuntimeError where no repository has a jar
        raise EngineError(
            "Apache Kafka could not be downloaded. The first start needs the network, later ones do not: connect and "
            "try again, or set KAFKA_BOOTSTRAP_SERVERS to a Kafka that runs already. "
            f"({type(error).__name__}: {str(error)[:200]})"
        ) from error
    except OSError as error:
        raise EngineError(f"Apache Kafka could not be stored under {directory}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(source.repo_cache, ignore_errors=True)


def _fetch(source: MavenContext, path: Path, jar: LockedDependency) -> None:
    component = source.project(jar.groupId, jar.artifactId).at_version(jar.version)
    artifact = component.artifact(jar.classifier or "", jar.packaging)
    for pause in (0.2, 1, None):
        try:
            fresh = artifact.resolve()
            break
        except requests.RequestException:
            if pause is None:
                raise
            if artifact.cached_path:
                artifact.cached_path.unlink(missing_ok=True)  # what the broken-off try has written
            time.sleep(pause)
    _verify(fresh, jar, "It was not kept. Try again; if it stays so, the download is being tampered with.")
    fresh.replace(path)


def _verify(path: Path, jar: LockedDependency, advice: str) -> None:
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != jar.sha256:
        raise EngineError(
            f"{path.name} is not what kafka.lock names: SHA-256 {actual}, expected {jar.sha256}. {advice}"
        )
