"""Connectors, by the name that a policy gives them. Only ``jitportal.operations`` looks one up.

Each is a folder that can be deleted: it is imported when a target first asks for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jitportal.connectors.base import Connector, TargetSettings

#: The class of each connector, which stands in the module ``connector`` of the folder of that name.
NAMES = {
    "manual": "ManualConnector",
    "portal": "PortalConnector",
    "postgres": "PostgresConnector",
    "ssh": "SshConnector",
}


def find(name: str) -> Callable[[TargetSettings], Connector] | None:
    """What makes the connector of this name from a target's settings; None: there is none."""
    if name not in NAMES:
        return None
    module = import_module(f"jitportal.connectors.{name}.connector")
    make: Callable[[TargetSettings], Connector] = getattr(module, NAMES[name])
    return make
