"""What a role's options and a lease mean in a certificate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from jitportal.connectors.base import TargetError
from jitportal.rules.vocabulary import LeaseOrder, Refusal

#: Each lease may have so many certificates; the serial is the lease's number, and theirs behind it.
CERTIFICATES_OF_A_LEASE = 1 << 16
#: What a certificate of a recorded session runs on the host, whatever its user asks for.
FORCED_COMMAND = "sudo -n /usr/local/sbin/jit-session"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,62}", re.ASCII)
_LOGIN = re.compile(r"[a-z_][a-z0-9_.-]{0,31}", re.ASCII)
_YES, _NO = {"yes", "true", "1"}, {"no", "false", "0", ""}
#: The option that asks for each extension.
EXTENSIONS = {
    "pty": b"permit-pty",
    "agent_forwarding": b"permit-agent-forwarding",
    "port_forwarding": b"permit-port-forwarding",
}
OPTIONS = frozenset({*EXTENSIONS, "session", "source_address", "login_as", "login"})


@dataclass(frozen=True, slots=True)
class Terms:
    """What a role's options ask of its certificates."""

    recorded: bool = False
    extensions: tuple[bytes, ...] = ()
    source_addresses: tuple[str, ...] = ()
    login_as: str = ""


def serial_of(lease_id: int, number: int) -> int:
    """The serial of a lease's certificate: unique for an authority that signs for one portal alone."""
    return lease_id * CERTIFICATES_OF_A_LEASE + number


def principal_of(order: LeaseOrder, target: str) -> str:
    """Who may log in where as what, in one word: a host of the target that serves the entitlement takes it
    for this login alone (``docs/targets-ssh.md``). Another target's hosts don't, although they may trust the
    same authority.
    """
    return f"{target}/{order.entitlement}:{login_of(order)}"


def login_of(order: LeaseOrder) -> str:
    """The account on the host: the holder's own, unless the role names another."""
    return order.options.get("login_as") or order.account


def read_terms(options: Mapping[str, str]) -> Terms:
    """Raises ``TargetError`` (permanent) for options that mean nothing, or harm each other."""
    unknown = sorted(set(options) - OPTIONS)
    if unknown:
        raise _mistaken(
            f"SSH roles have no option {', '.join(unknown)}; known are {', '.join(sorted(OPTIONS))}"
        )
    session = options.get("session") or "plain"
    if session not in ("recorded", "plain"):
        raise _mistaken(f"session must be recorded or plain, not “{session[:40]}”")
    recorded = session == "recorded"
    extensions = tuple(name for option, name in EXTENSIONS.items() if _asked(options, option))
    if recorded and set(extensions) - {EXTENSIONS["pty"]}:
        raise _mistaken("a recorded session can't forward anything: it would go past the recording")
    login_as = options.get("login_as", "")
    if login_as and not _LOGIN.fullmatch(login_as):
        raise _mistaken(f"login_as can't be an account: “{login_as[:40]}”")
    return Terms(recorded, extensions, _addresses(options.get("source_address", "")), login_as)


def malformed(order: LeaseOrder) -> Refusal | None:
    """Refuse what no host could take, before it spoils the batch."""
    try:
        read_terms(order.options)
    except TargetError as error:
        return Refusal(order.handle, str(error), permanent=True)
    if not _NAME.fullmatch(order.entitlement):
        return _refused(order, f"The entitlement “{order.entitlement[:80]}” can't stand in a certificate")
    if not _LOGIN.fullmatch(login_of(order)):
        return _refused(order, f"The account “{login_of(order)[:80]}” can't be one of a Unix host")
    return None


def _refused(order: LeaseOrder, what: str) -> Refusal:
    advice = "letters, digits and _ . - @ + in an entitlement, small letters, digits and _ . - in an account"
    return Refusal(order.handle, f"{what}: mend the policy ({advice}).", permanent=True)


def _asked(options: Mapping[str, str], name: str) -> bool:
    said = options.get(name, "").strip().lower()
    if said not in _YES | _NO:
        raise _mistaken(f"{name} must be yes or no, not “{said[:40]}”")
    return said in _YES


def _addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(part.strip() for part in text.split(",") if part.strip())
    for address in addresses:
        try:
            ip_network(address)
        except ValueError:
            raise _mistaken(f"source_address has no address or network “{address[:60]}”") from None
    return addresses


def _mistaken(clause: str) -> TargetError:
    return TargetError(f"The role's options can't be used: {clause}.", permanent=True)
