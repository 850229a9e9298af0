from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _without_an_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands read a `.env` where they run, and what is in it stays in this process."""
    monkeypatch.chdir(tmp_path)
