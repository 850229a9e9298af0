"""Settings of the scheduler."""

from datetime import timedelta

from pydantic import Field

from kit.settings import BaseUrl, KafkaSettings, MongoSettings, ProcessSettings, PushSettings, Seconds


class SchedulerSettings(KafkaSettings, MongoSettings, PushSettings, ProcessSettings):
    port: int = 9116
    tick: Seconds = timedelta(seconds=0.5)
    unpublished_after: Seconds = timedelta(seconds=3)  # the gateway's own publication had its chance
    stalled_after: Seconds = timedelta(minutes=10)  # without progress, an import is published again
    imports_in_flight_per_user: int = Field(50, ge=1, description="imports of one member under way at once")
    syncs_per_second: int = Field(
        20,
        ge=1,
        le=1_000,
        description="syncs requested per second, at most, in each class: requested by members, pushed, scheduled",
    )
    sync_lost_after: Seconds = timedelta(days=1)  # a sync of a source that has not ended is asked for again
    websub_hub_url: BaseUrl = "https://pubsubhubbub.appspot.com/subscribe"
    subscription_sweep: Seconds = timedelta(minutes=1)  # how often newly followed channels are looked for
    reanalyse_after: Seconds = timedelta(minutes=15)  # so long a model that failed is given to come back
    reanalyses_per_hour: int = Field(
        60, ge=0, le=36_000, description="projects of all members that are analysed again in an hour; 0: none"
    )
