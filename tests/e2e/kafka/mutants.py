"""Copies of `kit` with one deliberate fault each. A contract suite that stays green on one of them proves nothing."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Mutant:
    name: str
    patches: tuple[tuple[str, str, str], ...] = ()  # file below kit/, what it says, what the mutant says


CONTROL = Mutant("no fault")

COMMITS_DELIVERED = Mutant(
    "commits the delivered position",
    (
        (
            "kafka/partition.py",
            "state = (watermark, encode(watermark, told))",
            "state = (self.tracker.next or 0, encode(0, Progress(closed=self.closed)))",
        ),
    ),
)

DROPS_EARLY_RECORDS = Mutant(
    "drops records that come before their assignment is announced",
    (("kafka/subscriber.py", "consumer.seek(tp, records[0].offset)", "pass"),),
)

TRUSTS_FAILED_POLLS = Mutant(
    "goes on from where a failed poll had moved the partitions to",
    (("kafka/polling.py", "await self._rewind(consumer, tp)", "pass"),),
)

COMMITS_BEFORE_PUBLISHING = Mutant(
    "commits before publishing",
    (
        (
            "kafka/runner.py",
            "            if deaths:\n                await self._process_suspect(",
            "            part.tracker.complete(record.offset)\n"
            "            if deaths:\n                await self._process_suspect(",
        ),
        ("kafka/partition.py", "        self.tracker.complete(record.offset)\n", ""),
    ),
)


COUNTS_NO_DEATHS = Mutant(
    "counts no deaths",
    (("kafka/suspects.py", "self.deaths(offset) + 1 for", "self.deaths(offset) for"),),
)

COUNTS_AFTERWARDS = Mutant(
    "begins a suspect before that is durable",
    (
        (
            "kafka/runner.py",
            "        await self._commits.mark(part)\n        await self._processor.process(",
            "        await self._processor.process(",
        ),
    ),
)

KEEPS_COMPANY = Mutant(
    "runs suspects beside others",
    (("kafka/suspects.py", "return 1 if deaths >= min(3, max_deaths - 1) else", "return ANY if deaths else"),),
)

OPENS_NOTHING = Mutant(
    "does not say that an owner is at work",
    (("kafka/subscriber.py", "await self._commits.commit(parts, self._patience / 4)", "pass"),),
)

STARTS_OVER = Mutant(
    "reads a log again whose end lies before the committed offset",
    (
        (
            "kafka/offsets.py",
            "return Place(await after(consumer, tp, progress.seen_until, log),",
            "return Place(log.start,",
        ),
    ),
)

LOSES_PROBES = Mutant(
    "waits for the verdict of a probe that has ended",
    (("kafka/breaker.py", "if permit is self._probe:", "if permit is None:"),),
)


MUTANTS = tuple(it for it in vars().values() if isinstance(it, Mutant))


def grow(mutant: Mutant, folder: Path) -> Path:
    """A copy of `kit` with the fault, below `folder`. Fails where the text to change is not found exactly once."""
    shutil.copytree(ROOT / "kit", folder / "kit", ignore=shutil.ignore_patterns("__pycache__"))
    for name, says, shall_say in mutant.patches:
        path = folder / "kit" / name
        text = path.read_text()
        assert text.count(says) == 1, f"{name} has changed: this mutant needs to be written anew: {says!r}"
        path.write_text(text.replace(says, shall_say))
    return folder


def run_against(mutant: Path, *tests: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run these tests, in a process of their own, with the mutant in place of `kit`."""
    paths = os.pathsep.join((str(mutant), str(ROOT)))
    options = [
        "-x",
        "-q",
        "-o",
        "addopts=",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        "-c",
        str(ROOT / "pyproject.toml"),
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--rootdir={ROOT}", *(str(ROOT / test) for test in tests)],
        cwd=mutant,
        env=os.environ | {"PYTHONPATH": paths, "THRIVE_MUTANT": str(mutant)} | environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
