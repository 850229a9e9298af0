"""`.env.example` explains every setting there is, and nothing else."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from kit.settings import Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
LINE = re.compile(r"^#([A-Z_]+)=(.*)$")
NEEDED: dict[str, Any] = {"jwt_key": "k" * 32}  # the gateway takes no default for it


def settings_classes() -> list[type[Settings]]:
    found: set[type[Settings]] = set()
    for layer in ("kit", "integrations", "services", "cli", "deploy"):
        for path in (ROOT / layer).rglob("*.py"):
            if re.search(r"^class \w+\(.*Settings\b.*\):", path.read_text(), re.MULTILINE):
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                found |= {it for it in vars(module).values() if isinstance(it, type) and issubclass(it, Settings)}
    return sorted(found, key=lambda it: f"{it.__module__}.{it.__name__}")


def explained() -> dict[str, str]:
    return {found[1]: found[2] for line in EXAMPLE.splitlines() if (found := LINE.match(line))}


def test_it_names_each_setting_once_and_no_other() -> None:
    names = [found[1] for line in EXAMPLE.splitlines() if (found := LINE.match(line))]
    assert sorted(names) == sorted({field.upper() for it in settings_classes() for field in it.model_fields})


def test_every_block_of_settings_has_its_explanation() -> None:
    for block in re.split(r"\n\n+", EXAMPLE):
        first = block.splitlines()[0]
        assert first.startswith(("# ", "## ")), block


@pytest.mark.parametrize("settings", settings_classes(), ids=lambda it: it.__name__)
def test_its_values_are_the_defaults(settings: type[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in explained():
        monkeypatch.delenv(name, raising=False)
    # each process has a port of its own, and the analyzer handles more at once than the others
    values = {name: value for name, value in explained().items() if name not in ("PORT", "CONCURRENCY")}
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    needed = {name: value for name, value in NEEDED.items() if name in settings.model_fields}
    assert settings(_env_file=file, **needed) == settings(_env_file=None, **needed)
