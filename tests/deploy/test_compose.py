"""The containers of last resort, as far as they can be judged without an engine."""

from pathlib import Path

import pytest
import yaml
from django.conf import settings

from deploy.services import catalogue, clamd

COMPOSE = yaml.safe_load((Path(settings.BASE_DIR) / "deploy" / "compose.yaml").read_text())
SERVERS = [service for service in catalogue.SERVICES if not service.program]


def test_has_every_service_and_no_other():
    assert set(COMPOSE["services"]) == {service.name for service in SERVERS}


@pytest.mark.parametrize("service", SERVERS, ids=lambda service: service.name)
class TestContainer:
    def test_is_reached_on_a_free_port_of_loopback_only(self, service):
        assert COMPOSE["services"][service.name]["ports"] == [f"127.0.0.1::{service.port}"]

    def test_says_when_it_is_healthy(self, service):
        assert COMPOSE["services"][service.name]["healthcheck"]["test"]

    def test_sees_nothing_of_the_host(self, service):
        assert "volumes" not in COMPOSE["services"][service.name]


def test_clamd_knows_the_same_signature_as_our_own_instance():
    assert COMPOSE["configs"]["signatures"]["content"] == clamd.signatures()
