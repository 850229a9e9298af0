"""Answer the orchestrator's probes and Prometheus; no token is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict
from pymongo import timeout
from pymongo.errors import PyMongoError
from starlette.responses import JSONResponse, Response

from services.gateway.web.provided import DatabaseDep, provided

PING_SECONDS = 2.0

router = APIRouter(tags=["health"])


@dataclass(frozen=True, slots=True)
class Kafka:
    """How publishing to Kafka goes."""

    accepts: Callable[[], bool]  # False once the broker refuses what this process publishes
    reachable: Callable[[], bool]  # as of the last publication


KafkaDep = Annotated[Kafka, provided(Kafka)]


class Live(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"live": True}]})

    live: bool = True


class Ready(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"mongodb": True, "kafka": True}]})

    mongodb: bool
    kafka: bool


@router.get(
    "/livez",
    response_model=Live,
    responses={503: {"model": Live, "description": "Kafka refuses what this process publishes: restart it."}},
)
async def livez(kafka: KafkaDep) -> Response:
    """The process works. Kafka may be down."""
    live = kafka.accepts()
    return JSONResponse({"live": live}, 200 if live else 503)


@router.get(
    "/readyz",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "MongoDB is down: nothing can be accepted."}},
)
async def readyz(db: DatabaseDep, kafka: KafkaDep) -> Response:
    """Requests can be accepted. Kafka may be down; `kafka` is as the last publication found it."""
    mongodb = True
    try:
        with timeout(PING_SECONDS):
            await db.command("ping")
    except PyMongoError:
        mongodb = False
    ready = Ready(mongodb=mongodb, kafka=kafka.reachable())
    return JSONResponse(ready.model_dump(), 200 if mongodb else 503)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "…"}}}},
)
async def metrics() -> Response:
    """Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
