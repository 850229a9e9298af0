"""`make run`: the whole system against the real upstreams, configured from the environment or `.env`."""

import os
import time
from contextlib import ExitStack
from functools import partial

import typer
from rich.console import Console

from deploy.local.cli_errors import in_plain_words
from deploy.local.declared import SETTINGS
from deploy.local.engine import EngineError
from deploy.local.environment import read_env
from deploy.local.keys import local_jwt_key, local_token_keys, local_webhook_key
from deploy.local.processes import only_one
from deploy.local.signals import interruptible
from deploy.local.stack import Stack, StackSettings, run_stack

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run() -> None:
    """Run Kafka, MongoDB, the five stages, scheduler and gateway until Ctrl-C.

    Settings come from the environment, then from `.env`; `.env.example` explains each. Data and logs are under
    LOCAL_DIR (.local). KAFKA_BOOTSTRAP_SERVERS and MONGODB_URL name those that run elsewhere.
    """
    read_env()
    with interruptible(), in_plain_words():
        try:
            settings = StackSettings()
            secrets, hint = _identity(settings)
            secrets["TOKEN_KEYS"] = os.environ.get("TOKEN_KEYS") or local_token_keys(settings.local_dir)
            secrets["WEBHOOK_KEY"] = os.environ.get("WEBHOOK_KEY") or local_webhook_key(settings.local_dir)
            os.environ.update(secrets)
            check_settings()
            with ExitStack() as stopping:
                stopping.enter_context(only_one(settings.local_dir, "`make run`"))
                stack = run_stack(settings, secrets)
                console = Console(highlight=False)
                with console.status("Starting Kafka, MongoDB and the services …"):
                    say = partial(console.print, markup=False, soft_wrap=True)
                    processes = stopping.enter_context(stack.running(say))
                _greet(stack, hint)
                while True:
                    for program in processes.programs:
                        if processes.state(program) == "FATAL":
                            raise EngineError(f"{program.name} keeps crashing; see {program.log}.")
                    time.sleep(1)
        except KeyboardInterrupt:
            typer.echo("Stopped.")


def check_settings() -> None:
    """Read the environment as each process will, to refuse it before anything is started. Raises ValidationError, and
    SettingsError where a list is no JSON."""
    for kinds in SETTINGS.values():
        for kind in kinds:
            kind()


def _identity(settings: StackSettings) -> tuple[dict[str, str], str]:
    """The gateway's key where none is set, and how to get a token."""
    if os.environ.get("JWT_JWKS_URL"):
        return {}, "Tokens come from the identity provider behind JWT_JWKS_URL."
    if os.environ.get("JWT_KEY"):
        return {}, "A token, with the same JWT_KEY in the environment:\n  .venv/bin/thrive token --user NAME"
    key = local_jwt_key(settings.local_dir)
    path = settings.local_dir / "jwt.key"
    return {"JWT_KEY": key}, f'A token:\n  JWT_KEY="$(cat {path})" .venv/bin/thrive token --user NAME'


def _greet(stack: Stack, hint: str) -> None:
    typer.echo(f"\nGateway: {stack.url} (described at {stack.url}/openapi.json). Logs: {stack.logs}\n{hint}")
    typer.echo(
        f"An import:\n  curl -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' \\\n"
        f'    -d \'{{"url": "https://github.com/pallets/flask"}}\' {stack.url}/api/v1/integrations/import/\n'
        f"What operators see:\n  .venv/bin/thrive --env-file {stack.operator_env} failed list\n"
        "Ctrl-C stops everything."
    )


if __name__ == "__main__":
    app()
