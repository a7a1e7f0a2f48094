"""Sends the notices that are due, channel by channel: the worker's part.

A claim is committed before anything outside is called, so that two workers don't send the same notice,
and a worker that dies loses a minute and not the notice. A channel that doesn't answer is left alone for
a while, and what waits for it with it; no other channel and no other recipient waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from jitportal.audit.bulk import change_many
from jitportal.audit.system import system
from jitportal.models import ChannelState, Notice
from jitportal.operations import clock
from jitportal.operations.couriers import ChannelDown, Courier, LetterRefused, courier
from jitportal.operations.folding import folded
from jitportal.operations.letters import Letter
from jitportal.operations.notice_routes import by_mail_instead
from jitportal.operations.transaction import operation
from jitportal.rules.notices import MAIL

log = logging.getLogger(__name__)

#: Waits after each failed attempt at a letter, in seconds; after the last it is given up and stays to see.
BACKOFF = (5, 30, 120, 600, 3_600, 14_400)
#: Waits while a whole channel fails: it is asked often enough to be back soon after it is.
CHANNEL_BACKOFF = (5, 15, 60, 300, 900)
#: While a channel fails, what it should have carried is kept for so long.
KEPT = timedelta(days=1)
CLAIM = timedelta(seconds=60)
BATCH = 50
#: A round stops after so many seconds, with the rest for the next: a worker is never held for long.
ROUND_SECONDS = 8.0


def send_due() -> int:
    """One round through the channels that have something to carry; returns how many notices were sent."""
    until = time.monotonic() + ROUND_SECONDS
    sent = 0
    for channel in _channels(clock.now()):
        if time.monotonic() < until:
            sent += _send_through(channel, until)
    return sent


def resting(now: datetime) -> Q:
    """Which notices wait because their channel fails."""
    names = ChannelState.objects.filter(backoff_until__gt=now).values("name")
    return Q(channel__in=names)


def _channels(now: datetime) -> list[str]:
    """Those with something due, mail first."""
    due = Notice.objects.due(now).exclude(claimed_until__gt=now).exclude(resting(now))
    found = due.order_by().values_list("channel", flat=True).distinct()
    return sorted(found, key=lambda channel: (channel != MAIL, channel))


def _send_through(channel: str, until: float) -> int:
    letters = _claimed(channel)
    sent = 0
    with courier(channel) as carrier:
        for number, letter in enumerate(letters):
            if time.monotonic() >= until:
                _release(letters[number:])
                break
            wanted = _still_wanted(letter)
            if wanted is None:
                continue
            try:
                carrier.carry(wanted)
            except LetterRefused as refusal:
                _refused(wanted, refusal)
            except ChannelDown as trouble:
                _release(letters[number + 1 :])
                _down(channel, wanted, trouble)
                break
            else:
                _sent(channel, wanted)
                sent += len(wanted.notices)
    return sent


def _claimed(channel: str) -> list[Letter]:
    """A batch of what is due in this channel, as letters; what has to wait for others is put off."""
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = (
            Notice.objects.due(now)
            .filter(channel=channel)
            .exclude(claimed_until__gt=now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("recipient", "request")
            .order_by("due_at", "pk")[:BATCH]
        )
        letters, put_off = folded(list(rows), now)
        claim = {"claimed_until": now + CLAIM}
        change_many([(row, {"due_at": until}) for row, until in put_off], actor)
        change_many([(row, claim) for letter in letters for row in letter.notices], actor)
    return letters


def _still_wanted(letter: Letter) -> Letter | None:
    """The letter without what has been dropped since the claim: somebody may have decided."""
    keys = [notice.pk for notice in letter.notices]
    wanted = set(Notice.objects.unsent().filter(pk__in=keys).values_list("pk", flat=True))
    notices = [notice for notice in letter.notices if notice.pk in wanted]
    return Letter(letter.recipient, notices) if notices else None


def _release(letters: Sequence[Letter]) -> None:
    actor = system()
    with operation(actor):
        rows = [notice for letter in letters for notice in letter.notices]
        change_many([(row, {"claimed_until": None}) for row in rows], actor)


def _sent(channel: str, letter: Letter) -> None:
    actor = system()
    with operation(actor):
        now = clock.now()
        change_many(
            [
                (row, {"sent_at": now, "claimed_until": None, "attempts": row.attempts + 1})
                for row in letter.notices
            ],
            actor,
        )
        healthy = {"failing_since": None, "failures": 0, "backoff_until": None, "last_error": ""}
        ChannelState.objects.update_or_create(name=channel, defaults={**healthy, "last_sent_at": now})


def _refused(letter: Letter, refusal: LetterRefused) -> None:
    with operation(system()):
        now = clock.now()
        attempts = letter.notices[0].attempts + 1
        given_up = refusal.final or attempts > len(BACKOFF)
        _failed(letter, str(refusal), now, given_up=given_up)


def _down(channel: str, letter: Letter, trouble: ChannelDown) -> None:
    """The letter in hand is tried after the others next time, in case it is what brings the channel down."""
    with operation(system()):
        now = clock.now()
        state, _ = ChannelState.objects.select_for_update().get_or_create(name=channel)
        wait = CHANNEL_BACKOFF[min(state.failures, len(CHANNEL_BACKOFF) - 1)]
        state.failing_since = state.failing_since or now
        state.failures += 1
        state.backoff_until = now + timedelta(seconds=wait)
        state.last_error = str(trouble)
        state.save()
        if state.failures == 1 or trouble.gone:
            log.error("Notices don't get through by %s: %s", channel, trouble)
        if trouble.gone:
            _abandon(channel, str(trouble), now)
            return
        oldest = min(notice.created_at for notice in letter.notices)
        _failed(letter, str(trouble), now, given_up=now - oldest >= KEPT)


def _abandon(channel: str, error: str, now: datetime) -> None:
    """A channel that is gone for good: what waits for it goes by mail, where it is for a person."""
    waiting = Notice.objects.unsent().filter(channel=channel).select_related("recipient")
    for row in waiting.order_by("pk")[:BATCH]:
        _failed(Letter(row.recipient, [row]), error, now, given_up=True)


def _failed(letter: Letter, error: str, now: datetime, *, given_up: bool) -> None:
    """The transaction is the caller's."""
    actor = system()
    changes = []
    for row in letter.notices:
        attempts = row.attempts + 1
        wait = timedelta(seconds=BACKOFF[min(attempts, len(BACKOFF)) - 1])
        due_at = row.due_at if given_up else now + wait
        values = {"attempts": attempts, "last_error": error, "claimed_until": None, "due_at": due_at}
        changes.append((row, {**values, "given_up_at": now if given_up else None}))
    change_many(changes, actor)
    if given_up:
        pks = ", ".join(str(row.pk) for row in letter.notices)
        log.error("Given up after %s attempts: notice %s: %s", letter.notices[0].attempts, pks, error)
        by_mail_instead(letter.notices, now, actor)


__all__ = ["Courier", "resting", "send_due"]
