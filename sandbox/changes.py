"""The fields that a test may change."""

from dataclasses import fields
from typing import Any


def known(
    changes: dict[str, Any], kind: type[Any], fixed: set[str], extra: set[str] | frozenset[str] = frozenset()
) -> dict[str, Any]:
    """`changes` to a dataclass, lists as tuples. Raises `ValueError` for a field that it has not or that is `fixed`."""
    names = {f.name for f in fields(kind)} - fixed | extra
    if unknown := set(changes) - names:
        raise ValueError(f"no field {sorted(unknown)}; there are {sorted(names)}")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
