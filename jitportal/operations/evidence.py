"""One file for one use of break-glass: readable by people and by programs, and verifiable by anybody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from inspect import getsource

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q
from django.template.loader import render_to_string

from jitportal.evidence import verify
from jitportal.models import Entry, Notice, Person, PostIncidentReview, StepUpProof, WebhookDelivery
from jitportal.operations import clock, evidence_keys
from jitportal.operations.action_log_viewing import note
from jitportal.operations.evidence_parts import (
    answers,
    delivery,
    entry,
    event,
    follow_up,
    mark,
    notice,
    override,
    proof,
    version,
)
from jitportal.operations.facts import require
from jitportal.operations.post_incident import about, locked, say
from jitportal.operations.post_incident_facts import facts_of, grant_of, recordings_of, timeline_of
from jitportal.operations.transaction import operation
from jitportal.rules.canonical import Plain, moment
from jitportal.rules.permissions import Verb
from jitportal.rules.plain_words import in_words, label_of

PROGRAM = "__main__.py"
README = """\
Evidence of one use of an emergency account, taken out of jitportal.

evidence.html   to read
evidence.json   the same for programs, with the record's entries
manifest.json   the SHA-256 of each file
manifest.sig    the manifest's Ed25519 signature, 64 bytes
key.pem         the public key

The recordings themselves aren't in here, only the SHA-256 of each. They can be gigabytes, and they show what
few may see: the portal writes down each look at one, and could not do that for a copy in this file. Whoever
may see a recording takes its file from its page in the portal, and checks it against this with

    python3 {name} --recordings FILE ...

(or compares what sha256sum FILE says with "sha256" under "recordings" in evidence.json).

Verify the evidence with one command, without the portal:

    python3 {name}

Who could change this file could change the program in it, too. For more certainty take verify.py and key.pem
from the portal (/evidence/verify.py, /evidence/key.pem), keep them elsewhere, and run:

    python3 verify.py {name} key.pem

Or with OpenSSL 3, after unpacking:

    openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.sig
"""


def take(*, actor: Person, review: PostIncidentReview) -> tuple[str, bytes]:
    """The file's name and its bytes. That it was taken out, and its SHA-256, stands in the record.

    Raises ``NotAllowed``.
    """
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require(Verb.EVIDENCE_EXPORT, actor, review, now)
        require(Verb.ACTION_LOG_VIEW, actor, review, now)
        name = f"jitportal-evidence-{review.pk}-{now:%Y%m%dT%H%M%SZ}.zip"
        data = _file(name, _document(review, actor, now), now)
        digest = hashlib.sha256(data).hexdigest()
        said = f"{actor} took the evidence about {about(review)} out."
        note(review, actor, now)
        say(review, actor, "evidence_taken", said, now, sha256=digest, file=name)
        return name, data


def _file(name: str, document: dict[str, Plain], now: datetime) -> bytes:
    key = evidence_keys.signing_key()
    pem = evidence_keys.pem_of(key)
    files = [
        ("README.txt", README.format(name=name).encode()),
        ("evidence.html", render_to_string("evidence/evidence.html", _to_read(name, document)).encode()),
        ("evidence.json", _json(document)),
        (verify.KEY, pem.encode()),
        (PROGRAM, getsource(verify).encode()),
    ]
    manifest = _json(
        {
            "format": verify.FORMAT,
            "title": str(document["title"]),
            "made_at": moment(now),
            "key": evidence_keys.fingerprint(pem),
            "files": {one: hashlib.sha256(data).hexdigest() for one, data in files},
        }
    )
    return verify.packed([*files, (verify.MANIFEST, manifest), (verify.SIGNATURE, key.sign(manifest))])


def _to_read(name: str, document: dict[str, Plain]) -> dict[str, object]:
    """For people: each fact and answer with a label, and no notation of programs."""
    parts = {part: document[part] for part in ("people", "facts", "answers")}
    said = {
        part: [(label_of(key), in_words(value)) for key, value in held.items()]
        for part, held in parts.items()
        if isinstance(held, dict)
    }
    return {"evidence": document, "name": name, **said}


def _json(document: dict[str, Plain]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _document(review: PostIncidentReview, actor: Person, now: datetime) -> dict[str, Plain]:
    known = facts_of(review)
    notices = Notice.objects.filter(activation=review.activation_id) if review.activation_id else []
    timeline = timeline_of(review)
    calls = WebhookDelivery.objects.filter(event__in=[one.pk for one in timeline]).order_by("pk")
    proofs = StepUpProof.objects.filter(about__review=review.pk, used_at__isnull=False).order_by("pk")
    people = {
        "responder": review.responder,
        "reviewer": review.reviewer,
        "second_reviewer": review.second_reviewer,
    }
    return {
        "title": f"{'Drill' if review.drill else 'Use'} of {review.account}, review {review.pk}",
        "portal": settings.INSTANCE,
        "made_at": moment(now),
        "made_by": actor.username,
        "people": {role: str(person) if person else None for role, person in people.items()},
        "status": review.status,
        "facts": known.document,
        "facts_digest": known.digest,
        "facts_as_determined": review.facts,
        "facts_as_determined_digest": review.facts_digest,
        "answers": answers(review),
        "action_log": [mark(one) for one in review.marks.order_by("key")],
        "follow_ups": [follow_up(one) for one in review.follow_ups.select_related("owner", "done_by")],
        "overrides": [override(one) for one in review.overrides.select_related("asked_by", "granted_by")],
        "versions": [version(one) for one in review.versions.select_related("person")],
        "sign_off_proofs": [proof(one) for one in proofs],
        "notices": [notice(one) for one in notices],
        "webhooks": [delivery(one) for one in calls],
        "timeline": [event(one) for one in timeline],
        "record_entries": [entry(one) for one in _entries(review)],
    }


def _entries(review: PostIncidentReview) -> Iterable[Entry]:
    """The record's entries of every row that this use is made of."""
    rows: list[Model | None] = [review, review.activation, review.sign_in, grant_of(review)]
    rows += [*review.follow_ups.all(), *review.marks.all(), *review.overrides.all()]
    rows += recordings_of(review)
    about = Q(pk__in=[])
    for row in rows:
        if row is not None:
            about |= Q(content_type=ContentType.objects.get_for_model(row), object_id=row.pk)
    return Entry.objects.filter(about).select_related("actor", "content_type").order_by("timestamp", "id")
