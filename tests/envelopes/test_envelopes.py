"""A sealed envelope: opened offline by any two of three, by nobody alone, and never once it was changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from jitportal.envelopes import keys, sealing
from jitportal.envelopes.keys import Custodian, EnvelopeError
from jitportal.envelopes.sealing import Envelope

ROOT = Path(__file__).resolve().parent.parent.parent
CONTENT = "breakglass-1: correct-horse-7f2a\n"
NAMES = ("anna", "ben", "cleo")
PASSPHRASE = "{} keeps a long passphrase"


def run(*arguments: object, typed: str = "") -> subprocess.CompletedProcess[str]:
    """The command as a custodian runs it: no portal, no settings, no database, no network."""
    return subprocess.run(
        [sys.executable, "-m", "jitportal.envelopes", *map(str, arguments)],
        input=typed,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three custodians' keys, and an envelope for two of them."""
    folder = tmp_path_factory.mktemp("envelope")
    for name in NAMES:
        words = PASSPHRASE.format(name)
        made = run("keygen", name, "--folder", folder, typed=f"{words}\n{words}\n")
        assert made.returncode == 0, made.stderr
    publics = [part for name in NAMES for part in ("--custodian", folder / f"{name}.pub")]
    sealed = run(
        "seal", "-", folder / "rescue.env", "--title", "Orders <database>", "--account", "breakglass-1",
        "--needed", "2", *publics, typed=CONTENT,
    )  # fmt: skip
    assert sealed.returncode == 0, sealed.stderr
    assert "any 2 of 3: anna, ben, cleo" in sealed.stdout
    return folder


def opens(folder: Path, *names: str, act: str = "open", file: str = "rescue.env") -> Any:
    typed = "".join(f"{PASSPHRASE.format(name)}\n" for name in names)
    return run(
        act,
        folder / file,
        *(part for name in names for part in ("--key", folder / f"{name}.key")),
        typed=typed,
    )


@pytest.mark.parametrize("names", [("anna", "ben"), ("cleo", "anna"), NAMES], ids="-".join)
def test_any_two_of_three_open_it_offline(folder: Path, names: tuple[str, ...]) -> None:
    opened = opens(folder, *names)
    assert opened.returncode == 0, opened.stderr
    assert CONTENT.strip() in opened.stdout


def test_one_of_three_doesnt(folder: Path) -> None:
    opened = opens(folder, "ben")
    assert opened.returncode == 1
    assert opened.stdout == ""
    assert opened.stderr == "1 of 2 custodians are here. It takes 2 of 3: anna, ben, cleo.\n"
    assert opens(folder, "ben", "ben").returncode == 1, "the same one twice"


def test_a_drill_proves_that_it_opens_and_shows_nothing(folder: Path) -> None:
    drilled = opens(folder, "anna", "cleo", act="drill")
    assert drilled.returncode == 0, drilled.stderr
    assert "opens with 2 of 3 shares" in drilled.stdout
    assert "horse" not in drilled.stdout + drilled.stderr
    assert opens(folder, "anna", act="drill").returncode == 1


def test_a_wrong_passphrase_is_said_in_words(folder: Path) -> None:
    opened = run("open", folder / "rescue.env", "--key", folder / "anna.key", typed="not the passphrase\n")
    assert opened.returncode == 1
    assert opened.stderr == "That isn't the passphrase of anna's key, or the key file has been changed.\n"


def test_who_cant_come_reads_their_share_out(folder: Path) -> None:
    typed = f"{PASSPHRASE.format('cleo')}\n"
    share = run("share", folder / "rescue.env", "--key", folder / "cleo.key", typed=typed).stdout.strip()
    with_anna = [folder / "rescue.env", "--key", folder / "anna.key", "--share"]
    anna = f"{PASSPHRASE.format('anna')}\n"
    assert CONTENT.strip() in run("open", *with_anna, share.lower(), typed=anna).stdout
    slipped = ("B" if share[7] != "B" else "C").join((share[:7], share[8:]))
    refused = run("open", *with_anna, slipped, typed=anna)
    assert refused.returncode == 1
    assert "mistyped" in refused.stderr


def test_private_keys_are_readable_by_their_owner_alone(folder: Path) -> None:
    assert (folder / "anna.key").stat().st_mode & 0o077 == 0
    assert PASSPHRASE.format("anna") not in (folder / "anna.key").read_text()


def test_the_sheet_says_how_and_holds_no_secret(folder: Path) -> None:
    sheet = (folder / "rescue.env.html").read_text()
    assert "any 2 of 3: anna, ben, cleo" in sheet
    assert "python -m jitportal.envelopes open rescue.env" in sheet
    assert "Orders &lt;database&gt;" in sheet
    assert "horse" not in sheet + (folder / "rescue.env").read_text()


def test_nothing_is_written_over(folder: Path) -> None:
    words = PASSPHRASE.format("anna")
    again = run("keygen", "anna", "--folder", folder, typed=f"{words}\n{words}\n")
    assert again.returncode == 1
    assert "File exists" in again.stderr


@pytest.mark.parametrize("file", ["anna.pub", "anna.key", "missing", "rescue.env.html"])
def test_what_is_no_envelope_is_said_so(folder: Path, file: str) -> None:
    opened = run("show", folder / file)
    assert opened.returncode == 1
    assert "Traceback" not in opened.stderr


# What was changed


@pytest.fixture(scope="module")
def sealed() -> tuple[Envelope, list[tuple[Custodian, X25519PrivateKey]]]:
    holders = []
    for name in NAMES:
        private = X25519PrivateKey.generate()
        holders.append((Custodian(name, private.public_key().public_bytes_raw()), private))
    envelope = sealing.seal(
        CONTENT.encode(),
        title="Orders",
        account="breakglass-1",
        made_at="2026-01-01T00:00:00+00:00",
        needed=2,
        custodians=[custodian for custodian, _ in holders],
    )
    return envelope, holders


def open_all(text: str, holders: list[tuple[Custodian, X25519PrivateKey]]) -> bytes:
    envelope = sealing.read(text)
    return sealing.opened(envelope, dict(sealing.share_of(envelope, *holder) for holder in holders))


def test_it_opens_as_it_was_sealed(sealed: Any) -> None:
    envelope, holders = sealed
    assert open_all(envelope.text(), holders[1:]) == CONTENT.encode()


def _flip(text: str) -> str:
    data = bytearray(keys.decoded(text))
    data[len(data) // 2] ^= 1
    return keys.encoded(bytes(data))


CHANGES: dict[str, Any] = {
    "title": lambda said: said.update(title="Another"),
    "account": lambda said: said.update(account="another"),
    "number": lambda said: said.update(number="0" * 16),
    "time": lambda said: said.update(made_at="2020-01-01T00:00:00+00:00"),
    "fewer are needed": lambda said: said.update(needed=1),
    "a custodian's name": lambda said: said["custodians"][0].update(name="mallory"),
    "a share": lambda said: said["shares"].__setitem__(0, _flip(said["shares"][0])),
    "two shares swapped": lambda said: said["shares"].reverse(),
    "the content": lambda said: said.update(content=_flip(said["content"])),
    "the nonce": lambda said: said.update(nonce=_flip(said["nonce"])),
    "the content of another": lambda said: said.update(content=keys.encoded(b"x" * 60)),
    "a share missing": lambda said: said["shares"].pop(),
    "no base64": lambda said: said.update(content="§"),
    "no number": lambda said: said.update(needed="two"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_envelope_that_was_changed_is_refused(sealed: Any, change: str) -> None:
    envelope, holders = sealed
    said = json.loads(envelope.text())
    CHANGES[change](said)
    with pytest.raises(EnvelopeError):
        open_all(json.dumps(said), holders)


def test_one_share_alone_gives_nothing_even_where_the_count_isnt_asked(sealed: Any) -> None:
    """The rule is in the mathematics, and not in an ``if``."""
    envelope, holders = sealed
    number, share = sealing.share_of(envelope, *holders[0])
    box = sealing._box(share, envelope.mark)
    with pytest.raises(InvalidTag):
        box.decrypt(envelope.nonce, envelope.content, sealing._bound(envelope.mark, envelope.shares))
    with pytest.raises(EnvelopeError, match="can't be opened"):
        sealing.opened(envelope, {number: share, number % 3 + 1: b"x" * 16})


def test_a_stranger_s_key_opens_no_share(sealed: Any) -> None:
    envelope, holders = sealed
    stranger = X25519PrivateKey.generate()
    own = Custodian("mallory", stranger.public_key().public_bytes_raw())
    with pytest.raises(EnvelopeError, match="no custodian of this envelope"):
        sealing.share_of(envelope, own, stranger)
    with pytest.raises(EnvelopeError, match="has been changed"):
        sealing.share_of(envelope, holders[0][0], stranger)


@pytest.mark.parametrize(
    ("needed", "numbers", "content"),
    [(1, (0, 1, 2), b"x"), (4, (0, 1, 2), b"x"), (2, (0, 0), b"x"), (2, (0, 1), b""), (2, (0,), b"x")],
)
def test_what_cant_be_sealed_is_refused(
    sealed: Any, needed: int, numbers: tuple[int, ...], content: bytes
) -> None:
    _, holders = sealed
    with pytest.raises(EnvelopeError):
        sealing.seal(
            content,
            title="T",
            account="",
            made_at="now",
            needed=needed,
            custodians=[holders[number][0] for number in numbers],
        )


@pytest.mark.parametrize("cost", [[2**30, 8, 1], [3, 8, 1], [2**16, 2**20, 1], "much", [1, 1, 1], [0, 8, 1]])
def test_a_key_file_cant_ask_for_all_the_memory(folder: Path, cost: object) -> None:
    said = {**json.loads((folder / "anna.key").read_text()), "cost": cost}
    with pytest.raises(EnvelopeError, match="its cost can't be right"):
        keys.read_private(json.dumps(said), PASSPHRASE.format("anna"))


def test_a_short_passphrase_makes_no_key() -> None:
    with pytest.raises(EnvelopeError, match="at least 14 characters"):
        keys.make("anna", "short")
