"""Recorded answers of the real services: kept outside the repository, since other people wrote what is in them."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("THRIVE_RECORDINGS", Path(__file__).parents[2] / "shared" / "recordings"))
HERE = (ROOT / "specs").is_dir()
# Where a CI runs they must be here, unless it says that it has none.
REQUIRED = bool(os.environ.get("CI")) and not os.environ.get("WITHOUT_RECORDINGS")
MISSING = f"no recordings at {ROOT}: ask a maintainer for the folder and set THRIVE_RECORDINGS to it (CONTRIBUTING.md)"

needs_recordings = pytest.mark.skipif(not HERE, reason=MISSING)
