"""Settings of the transformer: none of its own."""

from records.stage import StageSettings


class TransformerSettings(StageSettings):
    port: int = 9113
