"""`python -m deploy.local`: Kafka and MongoDB on this machine, without Docker."""

import shlex
import time
from contextlib import ExitStack, suppress
from typing import Annotated

import typer

from deploy.local.cli_errors import in_plain_words
from deploy.local.engine import EngineError
from deploy.local.environment import read_env
from deploy.local.jars import LOCK, resolve_lock
from deploy.local.runner import Runner
from deploy.local.settings import LocalSettings
from deploy.local.signals import interruptible

app = typer.Typer(
    help="Kafka and MongoDB on this machine, without Docker. Data live under LOCAL_DIR (.local). "
    "KAFKA_BOOTSTRAP_SERVERS and MONGODB_URL name those that run elsewhere, which are not started.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def main() -> None:
    """Settings come from the environment, then from `.env`."""
    read_env()


@app.command()
def up(timeout: Annotated[float, typer.Option(help="seconds that Kafka or MongoDB may take to start")] = 60) -> None:
    """Run Kafka and MongoDB until Ctrl-C, which stops both cleanly."""
    with interruptible(), in_plain_words(), ExitStack() as stack, suppress(KeyboardInterrupt):
        settings = LocalSettings()
        runners = [Runner(engine) for engine in (settings.kafka(), settings.mongo()) if engine]
        stack.callback(typer.echo, "Stopped.")
        for runner in runners:
            typer.echo(f"Starting {runner.engine.name} …")
            stack.callback(runner.stop)
            runner.start(timeout)
            typer.echo(f"  {runner.engine.address_setting}={runner.address}")
        typer.echo("Ready. Ctrl-C stops them." if runners else "Kafka and MongoDB run elsewhere: nothing to start.")
        while runners:
            time.sleep(0.5)
            for runner in runners:
                if not runner.alive:
                    raise EngineError(f"{runner.engine.name} stopped. {runner.engine.diagnosis()}")


@app.command()
def env() -> None:
    """Print the addresses of Kafka and MongoDB as lines for a shell: eval "$(python -m deploy.local env)"."""
    for name, value in LocalSettings().environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
def lock() -> None:
    """Resolve Kafka's jars again and write their SHA-256 sums into kafka.lock."""
    typer.echo(f"{resolve_lock()} jars written to {LOCK}")


if __name__ == "__main__":
    app()
