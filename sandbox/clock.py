"""The sandbox's time: the machine's, until a test moves it on."""

import time


class Clock:
    """Seconds since the epoch. Budgets, codes and tokens go by it; what is cached elsewhere does not."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        """Raises `ValueError` for a step back."""
        if seconds < 0:
            raise ValueError("time goes forward only")
        self.ahead += seconds

    def reset(self) -> None:
        self.ahead = 0.0
