"""Connectors, by the name that a policy gives them. Only ``jitportal.operations`` looks one up."""

from __future__ import annotations

from collections.abc import Callable

from jitportal.connectors.base import Connector, TargetSettings
from jitportal.connectors.manual.connector import ManualConnector
from jitportal.connectors.portal.connector import PortalConnector
from jitportal.connectors.postgres.connector import PostgresConnector

REGISTRY: dict[str, Callable[[TargetSettings], Connector]] = {
    "manual": ManualConnector,
    "portal": PortalConnector,
    "postgres": PostgresConnector,
}
