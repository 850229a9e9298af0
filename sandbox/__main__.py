"""`python -m sandbox`: the upstreams on localhost, in one process."""

import argparse
import asyncio
import signal
import sys

import uvloop

from sandbox.environment import environment
from sandbox.running import serving
from sandbox.state import State


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Plays GitHub, YouTube with its feeds and hub, an OpenAI-compatible model and four providers' "
        "logins on localhost, with faults on demand.",
        epilog="Switches while it runs: /_sandbox/… (sandbox/admin.py, sandbox/changing.py); "
        "from Python: sandbox.client.SandboxClient.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9100, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="of every call but the model's")
    parser.add_argument("--model-latency", type=float, default=0.0, metavar="SECONDS", help="of a call to the model")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    state = State(latency=arguments.latency, model_latency=arguments.model_latency)
    async with serving(state, arguments.host, arguments.port) as url:
        sys.stdout.write(f"Sandbox on {url}\n" + "".join(f"  {k}={v}\n" for k, v in environment(url).items()))
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(_serve(_arguments()))
