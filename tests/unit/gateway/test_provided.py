"""Routes get the app's own objects."""

from typing import Annotated

from fastapi import FastAPI

from services.gateway.web.provided import find, provide, provided
from tests.unit.gateway.support import client_of


class Greeter:
    def __init__(self, greeting: str) -> None:
        self.greeting = greeting


def app_with(greeting: str) -> FastAPI:
    app = FastAPI()
    provide(app, {Greeter: Greeter(greeting)})

    @app.get("/")
    async def greet(greeter: Annotated[Greeter, provided(Greeter)]) -> str:
        return greeter.greeting

    return app


async def test_each_app_has_objects_of_its_own_and_a_later_one_replaces_the_first() -> None:
    first, second = app_with("hello"), app_with("ahoy")
    async with client_of(first) as one, client_of(second) as other:
        assert ((await one.get("/")).json(), (await other.get("/")).json()) == ("hello", "ahoy")
        provide(second, {Greeter: Greeter("servus")})
        assert (await other.get("/")).json() == "servus"
    assert find(first, Greeter).greeting == "hello"
