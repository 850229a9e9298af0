"""Settings of the analyzer: the language model, any OpenAI-compatible endpoint."""

from datetime import timedelta

from pydantic import Field, SecretStr

from kit.settings import Seconds
from records.stage import StageSettings


class AnalyzerSettings(StageSettings):
    port: int = 9112
    # Each waits a second or two for the model, so a hundred would mean some sixty analyses a second at most.
    concurrency: int = Field(500, ge=1, description="events handled at once")
    openai_api_key: SecretStr | None = None  # without one, the extractive analysis is used
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-4o-mini"
    openai_temperature: float = Field(0.3, ge=0, le=2)
    openai_timeout: Seconds = timedelta(seconds=30)
    # Dollars for a million tokens, and what may be spent in a day
    openai_input_price: float = Field(0.15, ge=0)
    openai_output_price: float = Field(0.60, ge=0)
    openai_daily_usd_per_member: float = Field(0.50, ge=0)
    openai_daily_usd: float = Field(20, ge=0)
