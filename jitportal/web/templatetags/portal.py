"""Tags that every template may use: icons, times, durations, and the badges of states."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

from jitportal.models import AccessRequest, Activation, AfterUseReview, Grant, PostIncidentReview
from jitportal.rules.durations import spoken as spoken_minutes
from jitportal.rules.vocabulary import EnforcementPlan
from jitportal.web.http import now_of
from jitportal.web.presenters import states
from jitportal.web.presenters.times import exact_words, precise_words, relative_words

register = template.Library()

#: How each kind of target is reached.
REACHED = {
    "manual": "worked on by hand",
    "portal": "the portal's own powers",
    "postgres": "reached through PostgreSQL",
    "ssh": "reached by SSH",
}


@register.simple_tag
@lru_cache(maxsize=128)
def icon(name: str) -> SafeString:
    """An inline icon of lucide's; decoration beside words, so hidden from screen readers."""
    drawn = lucide(str(name), size=18, **{"class": "icon", "aria-hidden": "true", "focusable": "false"})
    return mark_safe(drawn)  # noqa: S308  # lucide's own drawing; the name is a literal of a template


@register.simple_tag
def document_lines(text: str) -> SafeString:
    """A document's lines as items with their numbers. It has thousands, and a template's loop is ten times
    as slow.
    """
    lines = enumerate(escape(text).splitlines(), 1)
    shown = "".join(f'<li id="L{number}"><code>{line}</code></li>' for number, line in lines)
    return mark_safe(shown)  # noqa: S308  # the text was escaped before it was split


@register.simple_tag
def line_numbers(lines: int, wrong: Collection[int]) -> SafeString:
    """The numbers beside a text that is written; with those marked on which a problem stands."""
    marks = (' class="wrong"' if number in wrong else "" for number in range(1, lines + 1))
    shown = "".join(f'<span id="L{number}"{mark}>{number}</span>\n' for number, mark in enumerate(marks, 1))
    return mark_safe(shown)  # noqa: S308  # numbers alone


@register.simple_tag(takes_context=True)
def when(context: Context, moment: datetime | None) -> SafeString | str:
    """A moment as people say it ("in 12 minutes"), exact on hover, and readable by machines."""
    if moment is None:
        return "not yet"
    now = now_of(context["request"])
    return format_html(
        '<time class="relative" datetime="{}" title="{}">{}</time>',
        _machine(moment),
        exact_words(moment, now),
        relative_words(moment, now),
    )


@register.simple_tag(takes_context=True)
def exact(context: Context, moment: datetime | None) -> SafeString | str:
    """The exact time in the viewer's zone, with the zone named."""
    if moment is None:
        return "not yet"
    now = now_of(context["request"])
    return _time(moment, exact_words(moment, now), title=relative_words(moment, now))


@register.simple_tag(takes_context=True)
def precise(context: Context, moment: datetime) -> SafeString:
    """The time to the second, for what is measured in seconds."""
    return _time(moment, precise_words(moment), title=relative_words(moment, now_of(context["request"])))


@register.simple_tag(takes_context=True)
def countdown(context: Context, moment: datetime, over: str = "ended") -> SafeString:
    """Time left until the moment: ticks with script; without it, the exact moment."""
    now = now_of(context["request"])
    words = exact_words(moment, now)
    return format_html(
        '<time class="countdown" datetime="{}" title="{}" data-countdown data-over="{}">until {}</time>',
        _machine(moment),
        words,
        over,
        words,
    )


def _time(moment: datetime, words: str, *, title: str) -> SafeString:
    return format_html('<time datetime="{}" title="{}">{}</time>', _machine(moment), title, words)


def _machine(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@register.simple_tag
def zone() -> str:
    """The name of the zone in which times are shown, and read."""
    return timezone.get_current_timezone_name()


@register.filter
def machine(moment: datetime) -> str:
    return _machine(moment)


@register.filter
def coded(sentence: str) -> SafeString:
    """What stands between backticks as code: in the policy's problems those are its own words."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:
        return format_html("{}", sentence)
    said = ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in enumerate(parts))
    return format_html_join("", "{}", said)


@register.filter
def spoken(duration: int | timedelta | None) -> str:
    """Minutes, or a timedelta, as people say it: 90 is "1 hour 30 minutes"."""
    if duration is None:
        return "no bound"
    if isinstance(duration, timedelta):
        seconds = round(duration.total_seconds(), 1)
        if seconds < 60:
            return f"{seconds:g} second{'' if seconds == 1 else 's'}"
        duration = round(seconds / 60)
    return spoken_minutes(int(duration))


NOTICE_ICONS = {
    "info": "info",
    "success": "circle-check",
    "warning": "triangle-alert",
    "error": "triangle-alert",
}


@register.filter
def reached(connector: str) -> str:
    """How the portal reaches a target, in words."""
    return REACHED.get(connector, f"reached through {connector}")


@register.simple_block_tag
def notice(content: SafeString, kind: str, icon_name: str = "") -> SafeString:
    """What a page says before all else. ``kind``: info, success, warning or error."""
    return format_html(
        '<div class="notice notice-{}">{}<div>{}</div></div>',
        kind,
        icon(icon_name or NOTICE_ICONS[kind]),
        content,
    )


@register.inclusion_tag("components/badge.html")
def badge(kind: str, text: str, icon_name: str = "") -> dict[str, str]:
    """``kind``: force, waiting, ended, failed, accent or emergency (that one for break-glass alone)."""
    return {"kind": kind, "text": text, "icon_name": icon_name}


@register.inclusion_tag("components/badge.html", takes_context=True)
def grant_badge(context: Context, grant: Grant) -> dict[str, str]:
    return states.of_grant(grant, now_of(context["request"])).as_context()


@register.inclusion_tag("components/badge.html", takes_context=True)
def request_badge(context: Context, access_request: AccessRequest) -> dict[str, str]:
    return states.of_request(access_request, now_of(context["request"])).as_context()


@register.inclusion_tag("components/badge.html", takes_context=True)
def activation_badge(context: Context, activation: Activation) -> dict[str, str]:
    return states.of_activation(activation, now_of(context["request"])).as_context()


@register.inclusion_tag("components/badge.html")
def probe_badge(says: str) -> dict[str, str]:
    return states.of_probe(says).as_context()


@register.inclusion_tag("components/badge.html", takes_context=True)
def review_badge(context: Context, review: AfterUseReview) -> dict[str, str]:
    return states.of_review(review, now_of(context["request"])).as_context()


@register.inclusion_tag("components/badge.html", takes_context=True)
def incident_badge(context: Context, review: PostIncidentReview) -> dict[str, str]:
    return states.of_incident(review, now_of(context["request"])).as_context()


@register.inclusion_tag("components/badge.html")
def enforcement_badge(plan: EnforcementPlan) -> dict[str, str]:
    return states.of_enforcement(plan.enforcement).as_context()


@register.inclusion_tag("components/badge.html")
def risk_badge(risk: str) -> dict[str, str]:
    return states.of_risk(risk).as_context()


@register.inclusion_tag("components/badge.html")
def pathway_badge(pathway: str) -> dict[str, str]:
    return states.of_pathway(pathway).as_context()
