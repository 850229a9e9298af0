"""Settings of the writer: none of its own."""

from records.stage import StageSettings


class WriterSettings(StageSettings):
    port: int = 9114
