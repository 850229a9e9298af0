"""What the documents name exists."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from faststream.kafka.prometheus import KafkaPrometheusMiddleware
from prometheus_client import REGISTRY, CollectorRegistry

from integrations.registry import INTEGRATIONS
from kit.errors import ImportProblem
from kit.kafka.collector import PartitionCollector
from kit.kafka.dead_letters import REASONS
from kit.settings import Settings
from schemas.journey import STAGES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
WIRED = [f"services.{path.parent.name}.app" for path in sorted(ROOT.glob("services/*/app.py"))]
OTHERS = ("deploy.local.stack", "cli.main")
# Words in capitals that are values, placeholders or constants.
OTHER_WORDS = {
    "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL", "HS256", "INFO", "ACK", "NACK_ON_ERROR",
    "PROGRESS", "EVENTS", "FAILS_BELOW", "CHANNEL_URL", "SOURCE_NAME",
    "THRIVE_RECORDINGS", "WITHOUT_RECORDINGS", "CI", "AVATAR", "WEBSITE", "TWITTER", "INSTAGRAM", "LINKEDIN", "GITHUB",
}  # fmt: skip
T = TypeVar("T")

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@each_document
def test_a_link_to_a_file_or_a_heading_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(path.read_text())):
        file, _, anchor = target.partition("#")
        found = path.parent / file if file else path
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found.read_text()), target


@each_document
def test_a_make_target_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text(), re.M))
    assert named <= targets


@each_document
def test_a_file_that_is_called_by_its_path_exists(path: Path) -> None:
    tops = "|".join(each.name for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith("."))
    named = re.findall(rf"`((?:{tops})/[\w./-]+)`", path.read_text())
    assert [name for name in named if "NAME" not in name and "NNNN" not in name and not (ROOT / name).exists()] == []


@each_document
def test_a_metric_exists(path: Path) -> None:
    assert set(re.findall(r"\bthrive_[a-z_]+", path.read_text())) <= metrics()


@each_document
def test_a_setting_exists(path: Path) -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)(?:=[^`]*)?`", prose(path.read_text())))
    assert named - OTHER_WORDS - error_codes() <= settings()


def test_every_stage_and_integration_is_spoken_of() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    assert [stage for stage in STAGES if stage not in text] == []
    readme = (ROOT / "README.md").read_text()
    assert [each.title for each in INTEGRATIONS if each.title not in readme] == []


def test_every_reason_of_a_dead_letter_is_explained_and_can_be_asked_for() -> None:
    table = (ROOT / "docs/operations.md").read_text().partition("| reason | cause |")[2].partition("```")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    explained = {reason for row in rows for reason in re.findall(r"`([a-z_]+)`", row)}
    assert explained == REASONS


def test_every_error_code_of_the_api_is_explained() -> None:
    inner = {"IMPORT_ERROR", "ANALYSIS_FAILED"}  # a base class, and one that no member ever sees
    explained = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/api.md").read_text(), re.M))
    assert explained == error_codes() - inner


def test_every_error_code_has_one_status_and_it_is_the_documented_one() -> None:
    import_all()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d{3}) \|", (ROOT / "docs/api.md").read_text(), re.M)
    documented = {code: int(status) for code, status in rows}
    differing = {
        f"{kind.__name__} {kind.status}"
        for kind in subclasses(ImportProblem)
        if kind.status != documented.get(kind.error_code, kind.status)
    }
    assert differing == set()


def test_only_our_own_authentication_answers_401_or_403() -> None:
    """Clients sign a member out on a 401: an upstream's refusal must be none."""
    import_all()
    ours = {kind.error_code for kind in subclasses(ImportProblem) if kind.status in (401, 403, 407, 511)}
    assert ours == {"UNAUTHORIZED", "FORBIDDEN", "SIGNATURE_INVALID"}


def import_all() -> None:
    for name in (*WIRED, *OTHERS):
        importlib.import_module(name)


def settings() -> set[str]:
    import_all()
    return {field.upper() for kind in subclasses(Settings) for field in kind.model_fields}


def error_codes() -> set[str]:
    import_all()
    return {kind.error_code for kind in subclasses(ImportProblem)}


def metrics() -> set[str]:
    """As a scrape shows them."""
    import_all()
    ours = CollectorRegistry()
    KafkaPrometheusMiddleware(registry=ours, app_name="any", metrics_prefix="thrive")
    ours.register(PartitionCollector())  # as the first subscriber of a process does
    found = [metric for registry in (REGISTRY, ours) for metric in registry.collect()]
    return {f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in found}


def subclasses(kind: type[T]) -> Iterator[type[T]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def prose(text: str) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors(text: str) -> set[str]:
    """As GitHub names headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
