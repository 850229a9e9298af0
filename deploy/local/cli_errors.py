"""What keeps a program from starting or going on, in plain words that name the setting to change."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import typer
from pydantic import ValidationError
from pydantic_settings.exceptions import SettingsError

from deploy.local.engine import EngineError


@contextmanager
def in_plain_words() -> Iterator[None]:
    """End with status 1 and a message where a traceback would help nobody."""
    try:
        yield
    except (EngineError, httpx2.HTTPError) as error:
        raise _ended(str(error)) from error
    except ValidationError as error:
        raise _ended("\n".join(_settings(error))) from error
    except SettingsError as error:
        named = re.search(r'field "(\w+)"', str(error))
        raise _ended(f"{named[1].upper() if named else 'A setting'}: it has to be JSON; see .env.example.") from error
    except OSError as error:
        if error.filename is None:  # no file or folder of ours
            raise
        raise _ended(f"{error}. Set LOCAL_DIR to a folder of yours.") from error


def _settings(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(map(str, problem["loc"])).upper()
        yield f"{name}: {problem['msg']}" if name else problem["msg"]


def _ended(message: str) -> typer.Exit:
    typer.secho(message, fg="red", err=True)
    return typer.Exit(1)
