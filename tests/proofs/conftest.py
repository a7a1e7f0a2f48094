"""The portal that the long proofs run on, and a real server as its target."""

from __future__ import annotations

from tests.connectors.conftest import installed_server, target
from tests.operations.conftest import shared_portal
from tests.proofs.figures import say

__all__ = ["installed_server", "say", "shared_portal", "target"]
