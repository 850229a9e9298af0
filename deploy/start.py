"""`python -m deploy.start NAME`: runs `deploy.local.NAME`, and ends as quietly in its first second as it does later.

Loading a program takes a moment, in which Ctrl-C would end it with a traceback.
"""

import os
import signal
import sys
from importlib import import_module
from types import FrameType


def _stopped(number: int, _frame: FrameType | None) -> None:
    os.write(1, b"Stopped.\n")
    os._exit(128 + number)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stopped)
    name = sys.argv.pop(1)
    import_module(f"deploy.local.{name}").app(prog_name=name)


if __name__ == "__main__":
    main()
