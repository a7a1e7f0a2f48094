"""What allauth asks about second factors: their secrets are sealed at rest, and named for the portal."""

from __future__ import annotations

from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from jitportal.operations import sealing

PURPOSE = "second factors"


class FactorAdapter(DefaultMFAAdapter):
    """allauth stores secrets in plain text unless its adapter does otherwise."""

    def encrypt(self, text: str) -> str:
        return sealing.seal(PURPOSE, text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(PURPOSE, encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the portal's own host, whatever name a request came in by."""
        return {"id": urlsplit(settings.PUBLIC_URL).hostname or "localhost", "name": "jitportal"}
