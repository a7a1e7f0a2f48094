"""An account on a target is one person's, also where somebody came after the policy was checked."""

from __future__ import annotations

import pytest

from jitportal.audit.system import system
from jitportal.models import Grant
from jitportal.operations import people
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.vocabulary import GrantStatus
from tests.operations import world

#: Rita's account on the rack is another than her name; nobody has that name yet.
MAPPED = world.changed(
    ("      connector: manual\n", "      connector: manual\n      accounts: {rita: annex}\n")
)


@pytest.mark.usefixtures("db")
def test_somebody_new_with_the_name_of_anothers_account_doesnt_share_it() -> None:
    world.settle(MAPPED)
    people.create_person(actor=system(), username="annex", name="Annex", manager=world.person("mona"))
    world.joins("annex", "platform")
    first = world.granted("rita", "door")
    assert first.account == "annex"
    request = world.ask("annex", "door")
    with pytest.raises(PolicyRefuses, match=r"Account annex on .* is Rita's"):
        world.approve_all(request)
    assert not Grant.objects.filter(request=request).exists()
    assert world.now_of(first).status == GrantStatus.PROVISIONING
