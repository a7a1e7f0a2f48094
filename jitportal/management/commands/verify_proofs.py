"""``manage.py verify_proofs``: every stored proof of a second factor, verified again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from jitportal.management.command import PortalCommand
from jitportal.models import StepUpProof
from jitportal.operations import proof_checks


class Command(PortalCommand):
    help = "Verify every stored proof of a second factor again, from what is stored alone."

    def run(self, **_options: Any) -> None:
        found = list(proof_checks.all_wrong())
        for proof, problem in found:
            self.say(f"Proof {proof.pk} of {proof.person}: {problem}")
        if found:
            raise CommandError(f"{len(found)} of {StepUpProof.objects.count()} proofs don't verify.")
        self.say(f"All {StepUpProof.objects.count()} proofs verify.")
