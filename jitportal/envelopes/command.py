"""The envelope's commands, which need neither the portal's settings nor its database."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from jitportal.envelopes import keys, printed, sealing
from jitportal.envelopes.keys import EnvelopeError
from jitportal.envelopes.sealing import Envelope

Say = Callable[[str], object]


def add_arguments(parser: ArgumentParser) -> _SubParsersAction[Any]:
    """The sub-commands and what each takes; gives where further ones are added."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    keygen = acts.add_parser("keygen", help="make a custodian's key, under a passphrase")
    keygen.add_argument("name", help="the custodian's name, best their username in the portal")
    keygen.add_argument("--folder", type=Path, default=Path(), help="where NAME.key and NAME.pub go")
    seal = acts.add_parser("seal", help="seal a file for M of N custodians")
    seal.add_argument("content", type=Path, help="what to seal; - reads standard input")
    seal.add_argument("envelope", type=Path, help="the envelope's file; the sheet to print goes beside it")
    seal.add_argument("--title", required=True)
    seal.add_argument("--account", default="", help="the emergency account's key in the policy")
    seal.add_argument("--needed", type=int, required=True, metavar="M", help="how many open it together")
    seal.add_argument(
        "--custodian", type=Path, action="append", required=True, metavar="PUB", help="a public key, N times"
    )
    for act, about in (
        ("open", "open it with the keys and shares of M custodians, and show what is in it"),
        ("drill", "prove that it opens, without showing what is in it"),
    ):
        opening = acts.add_parser(act, help=about)
        opening.add_argument("envelope", type=Path)
        opening.add_argument("--key", type=Path, action="append", default=[], help="a private key")
        opening.add_argument("--share", action="append", default=[], help="a share that somebody read out")
    share = acts.add_parser("share", help="show one custodian's share, to read it out to the others")
    share.add_argument("envelope", type=Path)
    share.add_argument("--key", type=Path, required=True)
    show = acts.add_parser("show", help="say what an envelope's file says in the open")
    show.add_argument("envelope", type=Path)
    return acts


def run(options: Namespace, say: Say) -> Envelope | None:
    """Do it; gives the envelope that it was about. Raises ``EnvelopeError`` and ``OSError``."""
    acts: dict[str, Callable[[Namespace, Say], Envelope | None]] = {
        "keygen": _keygen,
        "seal": _seal,
        "open": _open,
        "drill": _drill,
        "share": _share,
        "show": _show,
    }
    return acts[options.act](options, say)


def main(arguments: list[str] | None = None) -> int:
    """Run from a shell. Exit status: 0 done, 1 refused."""
    parser = ArgumentParser(prog="python -m jitportal.envelopes", description=__doc__)
    add_arguments(parser)
    try:
        run(parser.parse_args(arguments), lambda line: sys.stdout.write(f"{line}\n"))
    except (EnvelopeError, OSError) as error:
        sys.stderr.write(f"{said(error)}\n")
        return 1
    return 0


def said(error: EnvelopeError | OSError) -> str:
    """The refusal in words."""
    return f"{error.filename}: {error.strerror}." if isinstance(error, OSError) else str(error)


def _keygen(options: Namespace, say: Say) -> None:
    passphrase = _passphrase(f"A passphrase for {options.name}'s key: ")
    if passphrase != _passphrase("Once more: "):
        raise EnvelopeError("The two passphrases differ. No key was made.")
    custodian, private = keys.make(options.name, passphrase)
    path = options.folder / f"{options.name}.key"
    _write(path, private, mode=0o600)
    _write(path.with_suffix(".pub"), custodian.text())
    say(f"{path} is private: keep it and its passphrase apart. {path.with_suffix('.pub')} is for sealing.")


def _seal(options: Namespace, say: Say) -> Envelope:
    content = sys.stdin.buffer.read() if str(options.content) == "-" else options.content.read_bytes()
    envelope = sealing.seal(
        content,
        title=options.title,
        account=options.account,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - there is no portal here
        needed=options.needed,
        custodians=[keys.read_public(_text(path)) for path in options.custodian],
    )
    sheet = options.envelope.with_suffix(options.envelope.suffix + ".html")
    _write(options.envelope, envelope.text())
    _write(sheet, printed.instructions(envelope, options.envelope.name))
    say(f"Envelope {envelope.number} is sealed for {_who(envelope)}: {options.envelope}")
    say(f"Print {sheet}, run a drill, and remove what was sealed from this machine.")
    return envelope


def _open(options: Namespace, say: Say) -> Envelope:
    envelope, content = _opened(options)
    say(content.decode(errors="replace"))
    return envelope


def _drill(options: Namespace, say: Say) -> Envelope:
    envelope, content = _opened(options)
    say(
        f"Envelope {envelope.number} opens with {envelope.needed} of {len(envelope.custodians)} shares, and "
        f"holds {len(content)} bytes. Nothing of them was shown."
    )
    return envelope


def _share(options: Namespace, say: Say) -> Envelope:
    envelope = _read(options)
    number, share = sealing.share_of(envelope, *_key(options.key))
    say(sealing.share_text(envelope, number, share))
    return envelope


def _show(options: Namespace, say: Say) -> Envelope:
    envelope = _read(options)
    account = f", for {envelope.account}" if envelope.account else ""
    say(f"Envelope {envelope.number}: {envelope.title}{account}, sealed {envelope.made_at}.")
    say(f"Opened by {_who(envelope)}.")
    return envelope


def _opened(options: Namespace) -> tuple[Envelope, bytes]:
    envelope = _read(options)
    shares = dict(sealing.share_from(envelope, text) for text in options.share)
    for path in options.key:
        number, share = sealing.share_of(envelope, *_key(path))
        shares[number] = share
    return envelope, sealing.opened(envelope, shares)


def _key(path: Path) -> tuple[keys.Custodian, X25519PrivateKey]:
    return keys.read_private(_text(path), _passphrase(f"The passphrase of {path}: "))


def _read(options: Namespace) -> Envelope:
    return sealing.read(_text(options.envelope))


def _text(path: Path) -> str:
    """What stands in the file; what isn't text is found to be no envelope and no key."""
    return path.read_text(encoding="utf-8", errors="replace")


def _who(envelope: Envelope) -> str:
    names = ", ".join(one.name for one in envelope.custodians)
    return f"any {envelope.needed} of {len(envelope.custodians)}: {names}"


def _passphrase(prompt: str) -> str:
    """Typed unseen; from a pipe, a line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\n")


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """A new file: nothing is written over."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
