"""`python -m deploy.start MODULE` runs a program that ends as quietly in its first second as it does later.

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
    module = sys.argv.pop(1)
    import_module(module).app(prog_name=f"python -m deploy.start {module}")


if __name__ == "__main__":
    main()
