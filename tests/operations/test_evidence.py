"""Evidence: what is in it, that anybody can verify it, and that any changed byte is found."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings as Portal

from jitportal.evidence import verify
from jitportal.models import Event, EvidenceKey, PostIncidentReview
from jitportal.operations import clock, evidence, evidence_keys, post_incident_steps
from jitportal.rules.errors import NotAllowed, OutsideError
from tests.models import rows
from tests.operations.incidents import FOUND, activated, determine, ended, remediated, sign, stated
from tests.operations.world import person


def small_file() -> bytes:
    """An evidence file as small as there is one."""
    key = Ed25519PrivateKey.generate()
    files = [("evidence.json", b"{}"), (verify.KEY, evidence_keys.pem_of(key).encode())]
    listed = {name: hashlib.sha256(held).hexdigest() for name, held in files}
    manifest = json.dumps({"format": verify.FORMAT, "title": "One use", "files": listed}).encode()
    return verify.packed([*files, (verify.MANIFEST, manifest), (verify.SIGNATURE, key.sign(manifest))])


SMALL = small_file()


def test_any_changed_byte_is_found() -> None:
    assert verify.problems(SMALL) == []
    unnoticed = []
    for place in range(len(SMALL)):
        changed = bytearray(SMALL)
        changed[place] ^= 1 << place % 8
        if not verify.problems(bytes(changed)):
            unnoticed.append(place)
    assert unnoticed == []


def test_what_is_packed_anew_around_a_change_is_found() -> None:
    """With check sums that fit, and a manifest that knows the change: its signature doesn't."""
    files = verify.contents(SMALL)
    for name, held in files.items():
        changed = bytes([held[0] ^ 1]) + held[1:]
        manifest = json.loads(files[verify.MANIFEST])
        if name in manifest["files"]:
            manifest["files"][name] = hashlib.sha256(changed).hexdigest()
        known = json.dumps(manifest).encode() if name in manifest["files"] else files[verify.MANIFEST]
        forged = {**files, verify.MANIFEST: known, name: changed}
        assert verify.problems(verify.packed(list(forged.items()))), name


@hypothesis_settings(max_examples=40)
@given(cut=st.integers(1, len(SMALL)), more=st.binary(min_size=1, max_size=50))
def test_nothing_is_cut_off_or_added(cut: int, more: bytes) -> None:
    for changed in (SMALL[:-cut], SMALL[cut:], SMALL + more, more + SMALL):
        assert verify.problems(changed)


@hypothesis_settings(max_examples=40)
@given(message=st.binary(max_size=300), place=st.integers(0, 63))
def test_signatures_are_verified_as_the_library_does(message: bytes, place: int) -> None:
    key = Ed25519PrivateKey.generate()
    public = verify.public_key(evidence_keys.pem_of(key))
    signature = key.sign(message)
    assert verify.signed_by(public, message, signature)
    assert not verify.signed_by(public, message + b"x", signature)
    changed = bytearray(signature)
    changed[place] ^= 1
    assert not verify.signed_by(public, message, bytes(changed))
    # the same signature in another spelling: its number plus the group's order
    spelled = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    assert not verify.signed_by(public, message, signature[:32] + spelled.to_bytes(32, "little"))


def test_a_file_that_was_signed_anew_by_another_is_found_with_the_key() -> None:
    trusted = evidence_keys.pem_of(Ed25519PrivateKey.generate())
    assert verify.problems(SMALL, trusted) == ["It was signed with another key than the one that you trust."]


@pytest.mark.parametrize("data", [b"", b"PK", b"not a file at all", b"\x00" * 100])
def test_what_is_no_evidence_is_said_to_be_none(data: bytes) -> None:
    (said,) = verify.problems(data)
    assert said.startswith("This is no evidence file")


# what the portal makes


def taken(review: PostIncidentReview, who: str = "otto") -> bytes:
    return evidence.take(actor=person(who), review=review)[1]


@pytest.mark.usefixtures("small_portal")
def test_it_holds_all_of_one_use_for_people_and_for_programs() -> None:
    review = remediated(incident="INC-<b>7</b>")
    post_incident_steps.send_back(actor=person("sven"), review=review, note="Look again.")
    review = sign("otto", determine("otto", review))
    files = verify.contents(taken(review))
    assert set(files) == {
        "README.txt",
        "evidence.html",
        "evidence.json",
        "key.pem",
        "__main__.py",
        "manifest.json",
        "manifest.sig",
    }
    said = json.loads(files["evidence.json"])
    assert said["facts"]["incident"] == "INC-<b>7</b>"
    assert said["answers"]["finding"] == FOUND.finding
    assert [one["step"] for one in said["versions"]] == [
        "statement",
        "determination",
        "remediation",
        "determination",
        "sign_off",
    ]
    assert said["timeline"][-2]["verb"] == "incident_review.signed"
    assert {"activation", "postincidentreview"} <= {one["model"] for one in said["record_entries"]}
    assert {one["to"] for one in said["notices"]} >= {"rita", "otto"}
    page = files["evidence.html"].decode()
    assert "INC-&lt;b&gt;7&lt;/b&gt;" in page
    assert "<b>7</b>" not in page
    assert "<script" not in page
    assert ">None<" not in page  # for people: no notation of programs
    assert "{&#x27;" not in page


@pytest.mark.usefixtures("small_portal")
def test_one_command_verifies_it_without_the_portal(tmp_path: Path) -> None:
    name, data = evidence.take(actor=person("otto"), review=stated())
    file, key = tmp_path / name, tmp_path / "portal.pem"
    file.write_bytes(data)
    key.write_text(evidence_keys.public_pem())
    program = tmp_path / "verify.py"
    program.write_bytes(verify.contents(data)["__main__.py"])
    alone = [sys.executable, "-I", "-S"]
    assert _said([*alone, str(file)])[0] == 0
    status, said = _said([*alone, str(program), str(file), str(key)])
    assert (status, said.splitlines()[0].startswith("Whole: Use of ")) == (0, True)
    others = {**verify.contents(data), "evidence.html": b"Nothing happened."}
    file.write_bytes(verify.packed(list(others.items())))
    status, said = _said([*alone, str(program), str(file), str(key)])
    assert status == 1
    assert said == "evidence.html was changed: its SHA-256 isn't the manifest's.\n"
    assert _said([*alone, str(program), str(tmp_path / "nowhere.zip")])[0] == 2


@pytest.mark.usefixtures("small_portal")
def test_a_recordings_file_is_checked_against_the_evidence(tmp_path: Path) -> None:
    opened = activated()
    grant = rows.emergency_grant(activation=opened)
    review = ended(opened)
    whole = b"{}\n[1, 'o', 'ls']\n"
    rows.recording(
        grant=grant,
        source="db1",
        state="complete",
        finished_at=clock.now(),
        sha256=hashlib.sha256(whole).hexdigest(),
    )
    name, data = evidence.take(actor=person("otto"), review=review)
    taken, changed = tmp_path / "recording.cast", tmp_path / "changed.cast"
    (tmp_path / name).write_bytes(data)
    taken.write_bytes(whole)
    changed.write_bytes(whole.replace(b"ls", b"rm"))
    for files, code, said in (
        ([taken], 0, "of db1, whole."),
        ([taken, changed], 1, "changed.cast is no recording of this, or was changed."),
        ([tmp_path / "none"], 2, "can't be verified"),
    ):
        command = [sys.executable, "-I", str(tmp_path / name), "--recordings", *map(str, files)]
        status, told = _said(command)
        assert (status, said in told) == (code, True)
    held = verify.contents(data)
    for text in ("README.txt", "evidence.html"):
        assert "aren't in" in held[text].decode().replace("&#x27;", "'")
        assert f"python3 {name} --recordings FILE" in held[text].decode()


@pytest.mark.usefixtures("small_portal")
def test_openssl_verifies_the_signature(tmp_path: Path) -> None:
    files = verify.contents(taken(stated()))
    for name in (verify.MANIFEST, verify.SIGNATURE, verify.KEY):
        (tmp_path / name).write_bytes(files[name])
    command = (
        f"openssl pkeyutl -verify -pubin -inkey {verify.KEY} -rawin "
        f"-in {verify.MANIFEST} -sigfile {verify.SIGNATURE}"
    )
    assert command in files["README.txt"].decode()
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("small_portal")
def test_the_command_verifies_it_with_the_portals_own_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "evidence.zip"
    file.write_bytes(taken(stated()))
    call_command("evidence", "verify", str(file))
    assert "is whole" in capsys.readouterr().out
    call_command("evidence", "key")
    assert capsys.readouterr().out.strip() == evidence_keys.public_pem().strip()
    file.write_bytes(SMALL)
    with pytest.raises(CommandError, match="another key"):
        call_command("evidence", "verify", str(file))


@pytest.mark.usefixtures("small_portal")
def test_taking_it_out_stands_in_the_record_with_its_hash() -> None:
    review = stated()
    for username in ("rita", "carl", "dora"):
        with pytest.raises(NotAllowed):
            taken(review, username)
    data = taken(review)
    event = Event.objects.get(verb="incident_review.evidence_taken")
    assert event.data["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.usefixtures("small_portal")
def test_one_key_signs_all_and_is_sealed_where_the_portal_made_it(settings: Portal) -> None:
    assert evidence_keys.public_pem() == ""
    review = stated()
    first, second = taken(review), taken(review)
    row = EvidenceKey.objects.get()
    assert verify.problems(first, row.public) == verify.problems(second, row.public) == []
    seed = base64.b64encode(bytes(32)).decode()
    assert seed not in row.sealed
    settings.EVIDENCE_KEY = seed
    assert verify.problems(taken(review), evidence_keys.public_pem()) == []
    assert evidence_keys.public_pem() != row.public
    settings.EVIDENCE_KEY = "no key"
    with pytest.raises(OutsideError, match="openssl rand"):
        taken(review)


def _said(command: list[str]) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
