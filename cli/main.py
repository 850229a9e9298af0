"""`thrive`: what operators and developers do from a terminal."""

import typer

from cli import failed, keys
from cli.token import token

app = typer.Typer(help="Thrive Imports, from the terminal. Addresses come from the environment.", no_args_is_help=True)
app.add_typer(failed.app, name="failed")
app.add_typer(keys.app, name="keys")
app.command()(token)

if __name__ == "__main__":
    app()
