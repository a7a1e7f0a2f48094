"""``manage.py ssh_host``: the hosts of an SSH target, and the token of each."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from jitportal.management.command import MISUSED, PortalCommand, person_named
from jitportal.models import SshHost, Target
from jitportal.operations import ssh_hosts


class Command(PortalCommand):
    help = "Add a host to an SSH target and print its token, which is shown this once; or list, or remove."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["add", "list", "remove"])
        parser.add_argument("target", help="the target's key in the policy")
        parser.add_argument("name", nargs="?", default="", help="the host's name; not for list")
        parser.add_argument("--as", dest="actor", default="", metavar="USERNAME", help="who does this")

    def run(self, **options: Any) -> None:
        target = Target.objects.filter(key=options["target"]).first()
        if target is None:
            raise CommandError(f"There is no target {options['target']}.", returncode=MISUSED)
        if options["act"] == "list":
            for host in SshHost.objects.filter(target=target, removed_at__isnull=True).order_by("name"):
                seen = (
                    f"last heard of {host.seen_at:%Y-%m-%d %H:%M:%S} UTC"
                    if host.seen_at
                    else "never heard of"
                )
                self.say(f"{host.name}: {seen}")
            return
        if not options["actor"] or not options["name"]:
            raise CommandError("Name the host, and say who does this: --as USERNAME", returncode=MISUSED)
        actor = person_named(options["actor"])
        if options["act"] == "add":
            _host, token = ssh_hosts.add(actor=actor, target=target, name=options["name"])
            self.say(token)
            return
        found = SshHost.objects.filter(target=target, name=options["name"], removed_at__isnull=True).first()
        if found is None:
            raise CommandError(f"{target.key} has no host {options['name']}.", returncode=MISUSED)
        ssh_hosts.remove(actor=actor, host=found)
        self.say(f"{found.name} is removed: its token works no longer.")
