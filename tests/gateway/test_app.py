"""What the gateway does before it listens, and what it tells people of itself."""

from __future__ import annotations

import pytest

from gateway.demo.process import GatewayFailedError
from tests.support.gateway import RunningGateway


def test_a_role_with_a_target_that_is_not_there_stops_the_start(own_gateway: RunningGateway) -> None:
    own_gateway.stop()
    policy = own_gateway.stage.policy
    whole = policy.read_text()
    policy.write_text(whole.replace('targets = ["shop"]', 'targets = ["shop", "shopp"]', 1))
    with pytest.raises(GatewayFailedError, match=r'policy\.toml:\d+.*no target "shopp"'):
        own_gateway.start()
    own_gateway.kill()
    policy.write_text(whole)
    own_gateway.start()


def test_people_are_told_the_name_and_not_the_address(gateway: RunningGateway) -> None:
    """It listens on 127.0.0.1, and its certificate is for the name in api.public_url."""
    with gateway.api("alice") as api:
        told = api.get("targets")
    assert told["host"] == "localhost"
    assert told["port"] == gateway.port
