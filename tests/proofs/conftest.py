"""The portal that the long proofs run on."""

from __future__ import annotations

from tests.operations.conftest import shared_portal, small_portal

__all__ = ["shared_portal", "small_portal"]
