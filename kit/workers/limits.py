"""What one task of a worker process may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    memory: int = 768 * 1024 * 1024  # bytes of address space, the interpreter's own included
    cpu: int = 10  # seconds
    wall: float = 30.0  # seconds; longer than `cpu` by as much as a busy machine may keep it waiting
    reply: int = 16 * 1024 * 1024  # bytes
