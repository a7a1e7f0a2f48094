"""The key revocation list that hosts fetch, in OpenSSH's own format (its ``PROTOCOL.krl``)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime

from jitportal.connectors.ssh.public_keys import PublicKey

_MAGIC = b"SSHKRL\n\0"
_FORMAT = 1
_CERTIFICATES, _SERIALS = b"\x01", b"\x20"


def revocation_list(
    authority: PublicKey, serials: Sequence[int], *, number: int, made_at: datetime, comment: str
) -> bytes:
    """The list as a host's ``RevokedKeys`` takes it; one without serials is whole, too.

    A host without the file lets nobody in, so there is always one to fetch.
    """
    header = _MAGIC + struct.pack(">IQQQ", _FORMAT, number, int(made_at.timestamp()), 0)
    head = header + _string(b"") + _string(comment.encode())
    if not serials:
        return head
    listed = b"".join(struct.pack(">Q", serial) for serial in sorted(set(serials)))
    section = _string(authority.blob) + _string(b"") + _SERIALS + _string(listed)
    return head + _CERTIFICATES + _string(section)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
