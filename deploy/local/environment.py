"""`.env` for the programs that run here, and what in it is no setting."""

import os
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

import typer
from dotenv import dotenv_values

EXAMPLE = Path(__file__).parents[2] / ".env.example"  # names every setting; a test holds it to that
ALIKE = 0.6  # how alike a name in `.env` is to the setting that we propose
MISSPELT = 0.88  # how alike a variable of the whole environment is to a setting before we take it for a slip


def read_env(file: Path = Path(".env"), *, only: Callable[[str], bool] = lambda _name: True) -> None:
    """Take from `file` what the environment does not set, of these names, and name on stderr what looks misspelt."""
    written = {name: value for name, value in dotenv_values(file).items() if value is not None}
    for warning in (*unknown(written, file), *misspelt({**os.environ}, settings())):
        typer.secho(warning, fg="yellow", err=True)
    for name in filter(only, written):
        os.environ.setdefault(name, written[name])


def of_this_machine(name: str) -> bool:
    """Ports and folders. The demo takes no more from `.env`, whose Kafka and MongoDB may be a real system's."""
    return name.upper() == "LOCAL_DIR" or name.upper().endswith("PORT")


def settings(example: Path = EXAMPLE) -> frozenset[str]:
    """The names of all settings; none where the example does not lie beside us."""
    lines = example.read_text().splitlines() if example.exists() else ()
    names = (line.removeprefix("#").partition("=")[0] for line in lines if "=" in line)
    return frozenset(name for name in names if name.isupper() and " " not in name)


def unknown(written: Mapping[str, str], file: Path) -> Iterator[str]:
    """A sentence for each name in the file that is no setting."""
    known = settings()
    for name in sorted(written) if known else ():
        if name.upper() not in known:
            close = get_close_matches(name.upper(), known, n=1, cutoff=ALIKE)
            yield f"{name} in {file} is not a setting{f': did you mean {close[0]}?' if close else '.'}"


def misspelt(environment: Mapping[str, str], known: frozenset[str]) -> Iterator[str]:
    """A sentence for each variable of the process that is one slip away from a setting."""
    for name in sorted(environment):
        if name.upper() not in known and (close := get_close_matches(name.upper(), known, n=1, cutoff=MISSPELT)):
            yield f"{name} in the environment is not a setting: did you mean {close[0]}?"
