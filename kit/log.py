"""Structured JSON logs, one object a line, for our own loggers and everybody else's alike.

Bind `import_id` and friends with `structlog.contextvars`; never log a payload. What looks like a credential is
replaced as the last step, whoever logged it.
"""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

REDACTED = "[redacted]"
_SECRET_KEYS = re.compile(r"authorization|token|secret|password|api[-_]?key|cookie", re.I)
_SECRET_VALUES = re.compile(
    r"(gh[opsur]_\w{16,}|github_pat_\w+|gl(?:pat|oas|rt|dt)-[\w-]+|sk-[\w-]{16,}|ya29\.[\w-]+|AIza[\w-]{30,}"
    r"|1//[\w-]{20,}|GOCSPX-[\w-]+|figu?r?[dp]?_[\w-]{16,}|hf_\w{16,}|thrive_pat_[\w-]+"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?<=bearer )\S+|(?<=basic )\S+|(?<=[?&]key=)[^&\s\"']+|(?<=_token=)[^&\s\"']+"
    r"|(?<=[?&]code=)[^&\s\"']+|(?<=[?&]state=)[^&\s\"']+|(?<=client_secret=)[^&\s\"']+)",
    re.I,
)


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: credentials out of keys, messages and tracebacks."""
    for key, value in event.items():
        if _SECRET_KEYS.search(key):
            event[key] = REDACTED
        elif isinstance(value, str):
            event[key] = _SECRET_VALUES.sub(REDACTED, value)
    return event


def configure(service: str, level: str = "INFO") -> None:
    """Send every log line of this process to stderr as JSON. Called once, in the composition root."""

    def add_service(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event.pop("color_message", None)  # uvicorn's, for terminals
        return {**event, "service": service}  # nobody else's field takes its place

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
        add_service,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("httpx2", "uvicorn.access", "pymongo", "openai"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # While Kafka is away it says so ten times a second; our own "held" and readiness lines say it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
