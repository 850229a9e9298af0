from tests.e2e.gateway.conftest import start as start
