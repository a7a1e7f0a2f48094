"""Says whether an evidence file of jitportal's is whole:

    python3 verify.py FILE [KEY.pem] [--recordings RECORDING ...]

This one file needs Python 3.9 or later, and nothing else: no portal, no database, no network. It checks that

1. every file in the evidence has the SHA-256 that the manifest says, and no file is missing or added;
2. the manifest is signed with Ed25519 by the key in key.pem, and by KEY.pem where that is given;
3. the whole file is, byte for byte, what these files make: nothing else could have been changed;
4. each RECORDING, a file that was taken from the portal, is one whose SHA-256 the evidence names. They aren't
   in the evidence: they can be gigabytes, and each look at one is written down in the portal.

Who could change an evidence file could also put another key and another program into it. So take this
program and the key from the portal (/evidence/verify.py and /evidence/key.pem), and keep the key elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import sys
import zipfile
import zlib
from pathlib import Path

FORMAT = "jitportal-evidence-1"
MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.sig", "key.pem"
RECORDINGS = "--recordings"
#: What stands before the key's 32 bytes in the DER of a public key (RFC 8410).
_PREFIX = bytes.fromhex("302a300506032b6570032100")


def problems(data: bytes, trusted: str = "") -> list[str]:
    """A sentence for each thing that is wrong; empty where the file is whole.

    ``trusted``: the public key, as PEM, that must have signed.
    """
    try:
        files = contents(data)
        manifest = json.loads(files[MANIFEST])
        listed = dict(manifest["files"])
        key = public_key(files[KEY].decode())
    except Exception as error:  # noqa: BLE001 - a changed archive fails in a dozen ways
        return [f"This is no evidence file that can be read ({type(error).__name__}: {error})."]
    said = []
    if manifest.get("format") != FORMAT:
        said.append(f"This program reads {FORMAT}, and this file is {manifest.get('format')!r}.")
    here = {name: hashlib.sha256(held).hexdigest() for name, held in files.items()}
    added = set(here) - set(listed) - {MANIFEST, SIGNATURE}
    changed = [name for name in listed if name in here and here[name] != listed[name]]
    said += [f"{name} is missing." for name in sorted(set(listed) - set(here))]
    said += [f"{name} was added: the manifest doesn't know it." for name in sorted(added)]
    said += [f"{name} was changed: its SHA-256 isn't the manifest's." for name in sorted(changed)]
    if not signed_by(key, files[MANIFEST], files.get(SIGNATURE, b"")):
        said.append("The manifest's signature doesn't belong to it and this key.")
    if trusted and public_key(trusted) != key:
        said.append("It was signed with another key than the one that you trust.")
    if not said and packed(list(files.items())) != data:
        said.append("Something beside the files was changed: the archive isn't what these files make.")
    return said


def recordings_in(data: bytes) -> dict[str, str]:
    """SHA-256 -> the recording's name, of each recording that the evidence is about."""
    facts = json.loads(contents(data)["evidence.json"])["facts"]
    return {
        held["sha256"]: "recording {recording} of {source}".format(**held)
        for held in facts.get("recordings", [])
        if held["sha256"]
    }


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, however large."""
    with path.open("rb") as file:
        told = hashlib.sha256()
        while piece := file.read(1 << 20):
            told.update(piece)
    return told.hexdigest()


def contents(data: bytes) -> dict[str, bytes]:
    """The files of an archive, in its order. Raises ``ValueError`` for a name that comes twice."""
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if entry.filename in files or entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{entry.filename} comes twice, or is packed in another way")
            files[entry.filename] = archive.read(entry)
    return files


def packed(files: list[tuple[str, bytes]]) -> bytes:
    """A ZIP archive of these files, stored as they are. The same files make the same bytes, always."""
    body, directory = b"", b""
    for name, data in files:
        place, encoded, crc = len(body), name.encode(), zlib.crc32(data)
        # version 2.0, names in UTF-8, stored, 1 January 1980
        common = struct.pack("<HHHHHIIIHH", 20, 0x800, 0, 0, 33, crc, len(data), len(data), len(encoded), 0)
        body += b"PK\x03\x04" + common + encoded + data
        last = struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, place)
        directory += b"PK\x01\x02" + struct.pack("<H", 0x314) + common + last + encoded
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def public_key(pem: str) -> bytes:
    """The 32 bytes of an Ed25519 public key. Raises ``ValueError`` for anything else."""
    lines = [line.strip() for line in pem.strip().splitlines()]
    if lines[:1] != ["-----BEGIN PUBLIC KEY-----"] or lines[-1:] != ["-----END PUBLIC KEY-----"]:
        raise ValueError("a public key in PEM is expected")
    der = base64.b64decode("".join(lines[1:-1]), validate=True)
    if not der.startswith(_PREFIX) or len(der) != len(_PREFIX) + 32:
        raise ValueError("an Ed25519 key is expected")
    return der[len(_PREFIX) :]


# Ed25519 (RFC 8032, 5.1.7), which Python's own library lacks. It only verifies: no secret is near it.

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]  # X, Y, Z, T


def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this key's owner signed the message."""
    if len(signature) != 64:
        return False
    owner, nonce = _point(key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if owner is None or nonce is None or scalar >= _ORDER:
        return False
    told = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _ORDER
    return _same(_times(scalar, _BASE), _sum(nonce, _times(told, owner)))


def _point(encoded: bytes) -> _Point | None:
    y = int.from_bytes(encoded, "little")
    odd, y = y >> 255, y & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and odd):
        return None
    x = _P - x if x & 1 != odd else x
    return (x, y, 1, x * y % _P)


def _sum(one: _Point, other: _Point) -> _Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c, d = 2 * one[3] * other[3] * _D % _P, 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _times(number: int, point: _Point) -> _Point:
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _sum(result, point)
        point, number = _sum(point, point), number >> 1
    return result


def _same(one: _Point, other: _Point) -> bool:
    return not ((one[0] * other[2] - other[0] * one[2]) % _P or (one[1] * other[2] - other[1] * one[2]) % _P)


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or (0, 1, 1, 0)


def main(arguments: list[str]) -> int:
    """Verify the file that is named; without a name the archive that this runs from."""
    place = arguments.index(RECORDINGS) if RECORDINGS in arguments else len(arguments)
    arguments, recordings = arguments[:place], arguments[place + 1 :]
    if len(arguments) > 2 or arguments[:1] in (["-h"], ["--help"]):
        _say(__doc__ or "")
        return 2
    path = arguments[0] if arguments else sys.argv[0]
    try:
        data = Path(path).read_bytes()
        trusted = Path(arguments[1]).read_text("ascii") if len(arguments) == 2 else ""
        wrong = problems(data, trusted)
        known = recordings_in(data) if recordings and not wrong else {}
        found = {name: known.get(hash_of(Path(name))) for name in recordings}
    except (OSError, ValueError, KeyError) as error:
        _say(f"This can't be verified: {error}")
        return 2
    for sentence in wrong:
        _say(sentence)
    if not wrong:
        manifest = json.loads(contents(data)[MANIFEST])
        _say(f"Whole: {manifest.get('title')}, taken out {manifest.get('made_at')}.")
        _say(f"Key: {manifest.get('key')}{'' if trusted else ' (compare it with the one that you trust)'}")
        for name, said in found.items():
            _say(f"{name}: {said}, whole." if said else f"{name} is no recording of this, or was changed.")
    return 1 if wrong or not all(found.values()) else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
