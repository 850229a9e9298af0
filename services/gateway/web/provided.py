"""Give routes the objects that the app was made with: one of each type, kept in `app.state`."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Request

from kit.mongo import Database
from services.gateway.settings import GatewaySettings

T = TypeVar("T")


def provide(app: FastAPI, objects: Mapping[Any, object]) -> None:
    """Keep these objects, each under its type, for `provided` and `find`."""
    app.state.provided = {**getattr(app.state, "provided", {}), **objects}


def find(app: FastAPI, kind: type[T]) -> T:
    """Return the app's one object of this type. Raises KeyError."""
    one: T = app.state.provided[kind]
    return one


@cache  # a request then looks each up once, however many of its dependencies ask for it
def provided(kind: type[object]) -> Any:
    """Make the FastAPI dependency that finds the app's one object of this type."""

    async def found(request: Request) -> object:
        return request.app.state.provided[kind]

    return Depends(found)


SettingsDep = Annotated[GatewaySettings, provided(GatewaySettings)]
DatabaseDep = Annotated[Database, provided(Database)]
