"""Settings of the writer: none of its own."""

from kit.app import StageSettings


class WriterSettings(StageSettings):
    port: int = 9114
