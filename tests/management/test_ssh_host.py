"""``manage.py ssh_host`` and the script for hosts."""

from __future__ import annotations

import subprocess
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from jitportal.management.target_scripts import kinds, script
from jitportal.models import Event, SshHost
from jitportal.operations import ssh_hosts
from tests.models import rows


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("ssh_host", *arguments, stdout=out)
    return out.getvalue().strip()


@pytest.mark.django_db
def test_a_host_gets_a_token_that_works_until_it_is_removed() -> None:
    fleet, person = rows.target(connector="ssh"), rows.person()
    token = said("add", fleet.key, "web1", "--as", person.username)
    found = ssh_hosts.by_token(token)
    assert found is not None
    assert found.name == "web1"
    assert token not in str(list(SshHost.objects.values()) + list(Event.objects.values()))
    assert said("list", fleet.key) == "web1: never heard of"
    with pytest.raises(CommandError, match="already"):
        said("add", fleet.key, "web1", "--as", person.username)
    said("remove", fleet.key, "web1", "--as", person.username)
    assert ssh_hosts.by_token(token) is None
    assert said("list", fleet.key) == ""
    assert said("add", fleet.key, "web1", "--as", person.username) != token
    verbs = list(Event.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == ["ssh_host.added", "ssh_host.removed", "ssh_host.added"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "nowhere", "web1", "--as", "x"), "no target"),
        (("add", "desk", "web1", "--as", "boss"), "no SSH target"),
        (("add", "fleet", "web1"), "--as"),
        (("add", "fleet", "--as", "boss"), "Name the host"),
        (("remove", "fleet", "web9", "--as", "boss"), "no host"),
        (("add", "fleet", "web1", "--as", "nobody"), "no active person"),
    ],
)
def test_what_cannot_be_is_said(arguments: tuple[str, ...], why: str) -> None:
    rows.target(key="desk")
    rows.target(key="fleet", connector="ssh")
    rows.person(username="boss")
    with pytest.raises(CommandError, match=why):
        said(*arguments)


@pytest.mark.parametrize("uninstall", [False, True])
def test_the_script_is_whole_and_a_shell_can_read_it(uninstall: bool) -> None:
    assert "ssh" in kinds()
    text = script("ssh", uninstall=uninstall)
    assert "#include" not in text
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    assert ("AuthorizedPrincipalsCommand" in text) != uninstall
    assert ("def the_certificate(" in text) != uninstall


def test_the_wrapper_is_never_run_with_its_user_s_path() -> None:
    """Where sudoers names no secure_path, sudo keeps PATH: root would run the user's own unshare."""
    rules = [line for line in script("ssh").splitlines() if "Defaults!/usr/local/sbin/jit-session" in line]
    assert any('secure_path="/usr/sbin:/usr/bin:/sbin:/bin"' in rule for rule in rules)


@pytest.mark.parametrize(
    "portal", ["http://portal.example", "portal.example", "ftp://x", "http://127.0.0.1:80@evil.example"]
)
def test_a_host_gives_its_token_to_no_plain_http(portal: str) -> None:
    arguments = ["sh", "-s", "--", "--portal", portal, "--target", "fleet", "--entitlements", "web-ops"]
    done = subprocess.run(arguments, input=script("ssh"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--portal must begin with https://" in done.stderr
