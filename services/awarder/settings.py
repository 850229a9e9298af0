"""Settings of the awarder."""

from pydantic import Field

from records.stage import StageSettings


class AwarderSettings(StageSettings):
    port: int = 9115
    points_per_project: int = Field(50, ge=0)
