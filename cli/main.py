"""`thrive`: what operators and developers do from a terminal."""

import logging
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from dotenv import load_dotenv

from cli import agents, failed, imports, keys
from cli.output import ENV_FILE, use_env_file
from cli.run import run, setup
from cli.token import token

app = typer.Typer(no_args_is_help=True)
app.add_typer(agents.app, name="agents")
app.add_typer(failed.app, name="failed")
app.add_typer(imports.app, name="imports")
app.add_typer(keys.app, name="keys")
app.command()(token)
app.command()(run)
app.command()(setup)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("thrive-imports"))
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)]

EnvFile = Annotated[Path, typer.Option(help="File with settings; the environment wins.", show_default=True)]


@app.callback()
def main(context: typer.Context, env_file: EnvFile = ENV_FILE, show_version: Version = False) -> None:
    """Thrive Imports, from the terminal. Addresses and keys come from the environment, as the services' do."""
    named = context.get_parameter_source("env_file")
    if named is not None and named.name != "DEFAULT" and not env_file.is_file():  # else it would take the defaults
        raise typer.BadParameter(f"there is no file {env_file}.", param_hint="--env-file")
    load_dotenv(env_file, override=False)
    use_env_file(env_file)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the commands say themselves what cannot be reached


if __name__ == "__main__":
    app()
