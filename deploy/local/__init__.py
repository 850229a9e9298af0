"""Kafka and MongoDB on this machine without Docker (`python -m deploy.local --help`)."""

from deploy.local.engine import Engine, EngineError, free_port
from deploy.local.kafka import Kafka
from deploy.local.mongo import Mongo
from deploy.local.runner import Runner
from deploy.local.settings import LocalSettings

__all__ = ["Engine", "EngineError", "Kafka", "LocalSettings", "Mongo", "Runner", "free_port"]
