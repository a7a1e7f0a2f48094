"""What allauth asks about second factors: their secrets are sealed at rest, and named for the portal."""

from __future__ import annotations

from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.operations import clock, sealing
from jitportal.operations.transaction import operation

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


def seal_again() -> int:
    """Seal every secret with the first key; gives of how many factors. Raises ``sealing.Unreadable``."""
    with operation(system()):
        rows = Authenticator.objects.select_for_update().exclude(type=Authenticator.Type.WEBAUTHN)
        changed = list(rows.order_by("pk"))
        for factor in changed:
            name = "secret" if factor.type == Authenticator.Type.TOTP else "seed"
            text = sealing.unseal(PURPOSE, factor.data[name])
            factor.data = {**factor.data, name: sealing.seal(PURPOSE, text)}
            factor.save(update_fields=["data"])
        record(
            verb="factor.sealed_again",
            actor=system(),
            sentence=f"The secrets of {len(changed)} second factors were sealed with the first key.",
            now=clock.now(),
        )
        return len(changed)
