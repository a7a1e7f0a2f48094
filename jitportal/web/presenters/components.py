"""Each component in each of its states, for developers: the code to include it, and what that code draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest
from django.template import engines

from jitportal.models import Event, Person
from jitportal.rules.vocabulary import Enforcement, EnforcementPlan
from jitportal.web.forms.base import PortalForm
from jitportal.web.http import now_of
from jitportal.web.presenters.acts import Act
from jitportal.web.presenters.differences import ChangedRow, Difference
from jitportal.web.presenters.story import Step

ROWS = """\
<ul class="rows">
  <li>
    <div>
      <a class="row-title" href="#">Read orders</a> {% badge "force" "In force" "circle-check" %}
      <div class="quiet small">Until 14:05</div>
    </div>
    <a class="button button-small" href="#">Hand back</a>
  </li>
  <li>
    <div><a class="row-title" href="#">Restart the shop</a></div>
  </li>
</ul>"""
TABLE = """\
<div class="table-frame">
  <table class="table-cards">
    <thead>
      <tr><th scope="col">Role</th><th scope="col">Wait</th></tr>
    </thead>
    <tbody>
      <tr><th scope="row">Read orders</th><td data-label="Wait">4 minutes</td></tr>
    </tbody>
  </table>
</div>"""
CHIPS = """\
<ul class="chips">
  <li><a class="chip" href="#" aria-current="page">All</a></li>
  <li><a class="chip" href="#">Mine</a></li>
</ul>"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One state: ``code`` is what a template says, with ``context`` in reach."""

    code: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Component:
    name: str
    said: str
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Drawn:
    code: str
    html: str


@dataclass(frozen=True, slots=True)
class Shown:
    name: str
    said: str
    drawn: Sequence[Drawn]


class SampleForm(PortalForm):
    """One field of each kind."""

    words = forms.CharField(label="One line", help_text="A hint stands between the label and the field.")
    lines = forms.CharField(label="Several lines", widget=forms.Textarea(attrs={"rows": 3}))
    number = forms.IntegerField(label="A number", min_value=1)
    choice = forms.ChoiceField(label="One of several", choices=[("a", "The first"), ("b", "The second")])
    radio = forms.ChoiceField(
        label="One of a few", choices=[("a", "The first"), ("b", "The second")], widget=forms.RadioSelect
    )
    tick = forms.BooleanField(label="Yes or no", required=False)


def drawn(request: HttpRequest) -> list[Shown]:
    """All of them, drawn by the very code that is shown."""
    engine = engines["django"]
    return [
        Shown(
            one.name,
            one.said,
            [
                Drawn(sample.code, engine.from_string(sample.code).render(dict(sample.context), request))
                for sample in one.samples
            ],
        )
        for one in _components(request)
    ]


def _components(request: HttpRequest) -> list[Component]:
    return [*_signs(), *_times(request), *_acts(), *_notices(), *_forms(), *_lists(), *_stories(request)]


def _signs() -> list[Component]:
    plans = [
        EnforcementPlan(one, timedelta(minutes=5), "The server ends it by itself.") for one in Enforcement
    ]
    return [
        Component(
            "Badge",
            "A state in a word: colour, sign and text, never the colour alone. Red is for emergencies alone.",
            [
                Sample('{% badge "force" "In force" "circle-check" %}'),
                Sample('{% badge "waiting" "Waiting" "hourglass" %}'),
                Sample('{% badge "ended" "Expired" "clock" %}'),
                Sample('{% badge "failed" "Late removal" "triangle-alert" %}'),
                Sample('{% badge "accent" "Renewal" "repeat" %}'),
                Sample('{% badge "emergency" "Break-glass" "siren" %}'),
            ],
        ),
        Component(
            "Badges of what is stored",
            "Also request_badge, grant_badge and review_badge, each with its row.",
            [
                *(Sample(f'{{% risk_badge "{risk}" %}}') for risk in ("low", "medium", "high")),
                *(Sample(f'{{% pathway_badge "{one}" %}}') for one in ("jit", "temporary", "break_glass")),
                *(Sample("{% enforcement_badge plan %}", {"plan": plan}) for plan in plans),
            ],
        ),
        Component(
            "Icon",
            "Lucide's, inline, hidden from screen readers: words stand beside it.",
            [Sample('{% icon "key-round" %} {% icon "shield-check" %} {% icon "triangle-alert" %}')],
        ),
    ]


def _times(request: HttpRequest) -> list[Component]:
    now = now_of(request)
    soon, before = {"moment": now + timedelta(minutes=12)}, {"moment": now - timedelta(hours=3)}
    return [
        Component(
            "Times",
            "Relative first, exact on hover; exact where it matters; to the second where that is measured.",
            [
                Sample("{% when moment %}", soon),
                Sample("{% when moment %}", before),
                Sample("{% exact moment %}", before),
                Sample("{% precise moment %}", before),
                Sample("{% countdown moment %}", soon),
                Sample("{% countdown moment %}", before),
                Sample("{{ 90|spoken }}"),
                Sample("Times are in {% zone %}"),
            ],
        )
    ]


def _acts() -> list[Component]:
    acts = [
        Act("Start now", "#", "arrow-right", "button-primary"),
        Act("Renew", "#", "refresh-cw"),
        Act("Revoke", "#", "ban", "button-danger"),
        Act("Start now", "#", "arrow-right", "button-primary", reason="Its window hasn't opened yet."),
    ]
    return [
        Component(
            "Acts",
            "Exact verbs. What is refused is shown as refused, with the reason on it.",
            [Sample('{% include "components/acts.html" with acts=acts %}', {"acts": acts})],
        ),
        Component(
            "Buttons",
            "One primary on a page at the most; dangerous ones name their object.",
            [
                Sample('<button class="button button-primary" type="button">Approve for 45 minutes</button>'),
                Sample('<button class="button" type="button">{% icon "undo-2" %} Send back</button>'),
                Sample('<button class="button button-danger" type="button">Revoke Read orders</button>'),
                Sample('<button class="button button-quiet" type="button">Decide later</button>'),
                Sample('<button class="button button-small" type="button">Hand back</button>'),
                Sample('<button class="button" type="button" disabled>Not now</button>'),
                Sample('<button class="link-button" type="button">Sign out</button>'),
            ],
        ),
        Component(
            "Copy",
            "Text ready to copy. The button comes with script; without it the text can be selected.",
            [
                Sample(
                    '{% include "components/copy.html" with name="sample" text=text %}',
                    {"text": "psql 'host=db.example dbname=orders user=lena'"},
                )
            ],
        ),
    ]


def _notices() -> list[Component]:
    return [
        Component(
            "Notice",
            "What a page has to say first. Kinds: info, success, warning, error.",
            [
                Sample(f'{{% notice "{kind}" %}}This is what happened, and what to do next.{{% endnotice %}}')
                for kind in ("info", "success", "warning", "error")
            ],
        ),
        Component(
            "Empty",
            "An empty list teaches.",
            [
                Sample(
                    '{% include "components/empty.html" with title="Nothing is elevated right now. That is '
                    'the goal." text="When you need more, request it." %}'
                )
            ],
        ),
    ]


def _forms() -> list[Component]:
    fresh = SampleForm(auto_id="id_fresh_%s")
    wrong = SampleForm({"number": "0", "choice": "c"}, auto_id="id_wrong_%s")
    field_code = '{% include "components/field.html" with field=form.NAME %}'
    names = tuple(fresh.fields)
    return [
        Component(
            "Field",
            "Label, hint, errors and control, tied to each other.",
            [Sample(field_code.replace("NAME", name), {"form": fresh}) for name in names],
        ),
        Component(
            "Field with an error",
            "The summary is at the top of the form and links to each field.",
            [
                Sample('{% include "components/errors_summary.html" %}', {"form": wrong}),
                *(Sample(field_code.replace("NAME", name), {"form": wrong}) for name in names[:5]),
            ],
        ),
        Component(
            "What was typed",
            "Where a form can't be sent any more, what was typed into it isn't lost.",
            [
                Sample(
                    '{% include "components/typed.html" with text=text %}',
                    {"text": "Rack 12 reports a failed disk."},
                )
            ],
        ),
    ]


def _lists() -> list[Component]:
    return [
        Component(
            "Rows",
            "A list of things, two lines each.",
            [Sample(ROWS)],
        ),
        Component(
            "Table",
            "With table-cards its rows become cards on a phone; data-label names the cells there.",
            [Sample(TABLE)],
        ),
        Component(
            "Facts",
            "Names and values.",
            [Sample('<dl class="facts">\n  <dt>Ticket</dt>\n  <dd>CHG-2020</dd>\n</dl>')],
        ),
        Component(
            "Chips",
            "Filters and tabs, each an address.",
            [Sample(CHIPS)],
        ),
        Component(
            "Pager",
            "Keyset paging. Either address may be empty.",
            [Sample('{% include "components/pager.html" with newer="#" older="#" %}')],
        ),
    ]


def _stories(request: HttpRequest) -> list[Component]:
    now = now_of(request)
    lena = Person(username="lena", name="Lena Vogt")
    events = [
        ("Lena Vogt asked for Read orders for 15 minutes.", "accent"),
        ("Maya Lindqvist approved it for 10 minutes.", "waiting"),
        ("Read orders is live for Lena Vogt.", "force"),
        ("The target couldn't take it away: it doesn't answer.", "failed"),
        ("It was verified absent 0.4 s after its end.", ""),
    ]
    steps = [Step(Event(sentence=said, at=now, actor=lena), mark) for said, mark in events]
    changes = [Difference("Minutes", "15", "10"), Difference("Note", "nothing", "Shorter.")]
    changed = ChangedRow(now, lena, "changed", "Access request", "Request 12", changes)
    return [
        Component(
            "Timeline",
            "A story in sentences.",
            [Sample('{% include "components/timeline.html" with steps=steps %}', {"steps": steps})],
        ),
        Component(
            "Quote",
            "What somebody wrote, as they wrote it, in its own direction.",
            [Sample('<blockquote class="quote typed" dir="auto">Orders are stuck.</blockquote>')],
        ),
        Component(
            "Difference",
            "What was, and what is instead.",
            [
                Sample("<p><del>15 minutes</del> <ins>10 minutes</ins></p>"),
                Sample('{% include "components/changed_row.html" with row=row %}', {"row": changed}),
            ],
        ),
    ]
