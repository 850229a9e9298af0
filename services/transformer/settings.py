"""Settings of the transformer: none of its own."""

from kit.app import StageSettings


class TransformerSettings(StageSettings):
    port: int = 9113
