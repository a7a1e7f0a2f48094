"""What hostile requests are made to: the small world in an emergency, with a fleet of hosts that report.

Whatever is Oskar's, who is in another team, says so: nobody who may see nothing of his may ever read it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.apps import apps
from django.conf import settings
from django.test import RequestFactory
from django.urls import reverse

from jitportal.models import Recording, Target
from jitportal.operations import clock, ssh_hosts, ssh_keys
from jitportal.rules.vocabulary import RecordingKind
from tests.models import rows
from tests.web.calling import Caller, caller_in
from tests.web.kinds import KINDS as PEOPLE
from tests.web.kinds import Route
from tests.web.matrix import ADMIN as OF_ADMIN
from tests.web.matrix import ROUTES
from tests.web.routes import NAMED
from tests.web.world import World, in_emergency, small_world

REPORT_TOKEN = "a-token-that-reports-the-sign-ins-of-emergency-accounts"
#: Hosts and reporters speak to the portal too, each with a token.
MACHINES = ("host", "another fleet's host", "reporter")
KINDS = (*PEOPLE, *MACHINES)
#: May see nothing of Oskar's.
BLIND = {"anonymous", "deactivated", "stranger", "requester", *MACHINES}
#: What Oskar typed, what he brought along, and what was recorded of him.
OF_ANOTHER_TEAM = (b"oskar has work to do there", b"oskar-laptop", b"INC-oskar", b"session-of-oskar")
REFUSED = {401, 403, 404, 405}
NAMES = [*sorted(ROUTES), "static", "nowhere"]
ADMIN = sorted(name for name in NAMED if name.startswith("admin:"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where an attack goes, what is properly sent there, and who may."""

    address: str
    proper: dict[str, Any] = field(default_factory=dict)
    route: Route | None = None
    machines: tuple[str, ...] = ()

    @property
    def json(self) -> bool:
        return bool(self.machines)

    @property
    def methods(self) -> tuple[str, ...]:
        """What it takes, forms first: those are what an attacker writes most to."""
        if self.machines:
            return ("PATCH", "HEAD") if self.address.rstrip("/")[-1:].isdigit() else ("POST",)
        if self.route is None:
            return ("GET", "POST")
        forms = () if self.route.post is None else ("POST", "POST")
        return (*forms, *(() if self.route.get is None else ("GET",)))

    def welcome(self, method: str) -> tuple[str, ...]:
        """Those whom this method doesn't refuse there; everybody, where that isn't said."""
        if self.machines or self.route is None:
            return self.machines or KINDS
        route = self.route
        return tuple(kind for kind in PEOPLE if route.expected(kind, method) not in REFUSED) or KINDS


@dataclass(frozen=True, slots=True)
class HostileWorld:
    """``tokens``: by the kind of machine. ``delivered``: a recording that the host delivers."""

    people: World
    call: Caller
    tokens: dict[str, str] = field(default_factory=dict)
    delivered: int = 0
    serial: int = 0

    def requests(self, kind: str) -> RequestFactory:
        """Makes requests as that kind, with a session of its own or a token."""
        if kind not in self.tokens:
            return self.call(kind)
        return RequestFactory(headers={"Authorization": f"Bearer {self.tokens[kind]}"})

    def place(self, name: str) -> Place:
        """Where the attack on a route goes."""
        if name in self._machines:
            kwargs, proper, *machines = self._machines[name]
            return Place(reverse(name, kwargs=kwargs), proper, machines=tuple(machines))
        if name in ROUTES:
            route = ROUTES[name]
            address = reverse(name, kwargs=route.arguments(self.people))
            return Place(address, dict(route.data(self.people)), route)
        if name in NAMED:
            return Place(_of_the_admin(name), route=OF_ADMIN)
        return Place("/static/tokens.css" if name == "static" else "/nowhere/at/all/")

    @property
    def _machines(self) -> dict[str, tuple[Any, ...]]:
        said = {"time": clock.now().timestamp(), "sshd": "OpenSSH_9.2"}
        return {
            "ssh_revoked_list": ({"key": "fleet"}, {}),
            "ssh_authority_key": ({"key": "fleet"}, {}),
            "host_report": ({}, said, *MACHINES[:2]),
            "host_recordings": ({}, self.announced(), *MACHINES[:2]),
            "host_recording": ({"pk": self.delivered}, {}, *MACHINES[:2]),
            "report_sign_in": ({}, _seen(), "host", "reporter"),
        }

    def announced(self) -> dict[str, Any]:
        """A session that the host has recorded."""
        return {
            "session": "a-session-of-rita-s-again",
            "serial": str(self.serial),
            "account": "rita",
            "kind": "asciicast_v2",
            "started": clock.now().timestamp(),
        }


def hostile_world() -> HostileWorld:
    """Made by the operations, but for what hosts and targets would have done before."""
    world = in_emergency(small_world())
    public = Ed25519PrivateKey.generate().public_key()
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    fleet = rows.target(
        key="fleet",
        connector="ssh",
        settings={"ca_public_key": line, "ca_agent_socket": "/nowhere/agent", "hosts": "web1"},
    )
    tokens = {"reporter": REPORT_TOKEN}
    host, tokens["host"] = ssh_hosts.add(actor=world["root"], target=fleet, name="web1")
    beside: Target = rows.target(connector="ssh")
    _, tokens["another fleet's host"] = ssh_hosts.add(actor=world["root"], target=beside, name="db1")
    held = world.things["rita"].held
    certificate = rows.ssh_certificate(
        lease=held.lease, target=fleet, serial=held.pk << 16 | 1, principals=["web-ops:rita"]
    )
    now = clock.now()
    delivered = Recording.objects.create(
        grant=held,
        kind=RecordingKind.ASCIICAST_V2,
        source="web1",
        host=host,
        certificate=certificate,
        account="rita",
        session="another-session-of-rita-s",
        started_at=now,
        received_at=now,
    )
    _of_oskar(world)
    return HostileWorld(world, caller_in(world), tokens, delivered.pk, certificate.serial)


def _of_oskar(world: World) -> None:
    key = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"o" * 32).decode()
    ssh_keys.add(actor=world["oskar"], name="oskar-laptop", public_key=f"ssh-ed25519 {key}")
    now = clock.now()
    Recording.objects.create(
        grant=world.things["oskar"].held,
        kind=RecordingKind.ASCIICAST_V2,
        source="session-of-oskar",
        account="oskar",
        session="session-of-oskar",
        started_at=now - timedelta(minutes=1),
        received_at=now,
    )


def _seen() -> dict[str, Any]:
    return {
        "account": "lever",
        "login": "lever",
        "at": clock.now().isoformat(),
        "reference": "log line 4711",
        "address": "203.0.113.9",
        "detail": "Accepted publickey for lever",
    }


def _of_the_admin(name: str) -> str:
    if name == "admin:app_list":  # by a regular expression, which knows no converters
        return reverse(name, kwargs={"app_label": "jitportal"})
    if "object_id" not in NAMED[name].pattern.converters:
        return reverse(name)
    label, model = name.removeprefix("admin:").rsplit("_", 1)[0].split("_", 1)
    row = apps.get_model(label, model)._base_manager.order_by("pk").first()
    return reverse(name, kwargs={"object_id": row.pk if row else 1})


def secrets_of(world: HostileWorld) -> list[bytes]:
    """What no answer may hold."""
    keys = [str(settings.SECRET_KEY), *world.tokens.values()]
    return [*(key.encode() for key in keys), b"Traceback (most recent call last)"]
