"""The record as a file: what is shown and no more, safe in a spreadsheet, and itself in the record."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitportal.models import Event
from jitportal.operations import record
from jitportal.rules.spreadsheets import AS_TEXT, STARTS
from jitportal.web.presenters import record_files
from tests.undone import undone
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask, elevate


@pytest.fixture
def auda(world: World, as_: As) -> Client:
    elevate(world, "auda", "auditor")
    return as_("auda")


def sent(client: Client, kind: str, address: str = "") -> str:
    answer = client.post(f"/record/export/{address}", {"kind": kind})
    assert answer.status_code == 200
    return b"".join(answer).decode()


def read(text: str) -> list[dict[str, str]]:
    """As a spreadsheet reads it."""
    assert text.startswith(record_files.BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(record_files.BYTE_ORDER_MARK), newline="")))


def test_it_holds_the_same_events_as_all_pages_of_the_search(
    world: World, auda: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_files, "BATCH", 3)
    approve(world, ask(world, "rita", "door"), "mona")
    expected = list(Event.objects.filter(verb__startswith="team.").order_by("-at", "-pk"))
    rows = read(sent(auda, "CSV", "?verb=team"))
    assert [row["id"] for row in rows] == [str(event.pk) for event in expected]
    assert [row["sentence"] for row in rows] == [event.sentence for event in expected]
    file = json.loads(sent(auda, "JSON", "?verb=team"))
    assert [row["id"] for row in file["events"]] == [event.pk for event in expected]
    assert (file["count"], file["cut"], file["filters"]) == (len(expected), False, ["kind team"])
    assert file["exported_by"] == "auda"


def test_each_row_says_who_what_when_and_where(world: World, auda: Client) -> None:
    world["auda"].time_zone = "Asia/Tokyo"
    world["auda"].save()
    request = approve(world, ask(world, "rita", "door"), "mona")
    event = Event.objects.get(verb="request.approved", request=request)
    (row,) = read(sent(auda, "CSV", "?verb=request.approved&person=rita"))
    assert row["actor"] == "Mona Test"
    assert row["actor_username"] == "mona"
    assert row["person_username"] == "rita"
    assert (row["request"], row["role_key"], row["target_key"]) == (str(request.pk), "door", "building")
    assert datetime.fromisoformat(row["at"]) == event.at
    assert row["at"].endswith("Z")
    assert row["local_time"].endswith(" JST")
    assert json.loads(row["data"] or "{}") == event.data
    assert set(row) == set(record_files.COLUMNS)


def test_its_kind_and_name_are_right_and_no_cache_keeps_it(auda: Client) -> None:
    for kind, content_type in (("CSV", "text/csv; charset=utf-8"), ("JSON", "application/json")):
        answer = auda.post("/record/export/", {"kind": kind})
        assert answer.headers["Content-Type"] == content_type
        name = answer.headers["Content-Disposition"]
        assert name.startswith('attachment; filename="jitportal-record-')
        assert name.endswith(f'Z.{kind.lower()}"')
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        b"".join(answer)


def test_it_is_in_the_record_with_its_filters_and_not_in_itself(world: World, auda: Client) -> None:
    approve(world, ask(world, "rita", "door"), "mona")
    rows = read(sent(auda, "CSV", "?person=rita&role=door"))
    event = Event.objects.get(verb="record.exported")
    assert event.actor == world["auda"]
    assert (
        event.sentence
        == f"Auda Test exported {len(rows)} events as CSV with person rita; role Server room door."
    )
    assert event.data == {
        "kind": "CSV",
        "events": len(rows),
        "cut": False,
        "filters": ["person rita", "role Server room door"],
    }
    assert str(event.pk) not in [row["id"] for row in rows]
    assert event.sentence in words(auda.get("/record/"))


def test_a_file_of_one_and_of_all_says_so(world: World, auda: Client) -> None:
    ask(world, "rita", "door")
    sent(auda, "JSON", "?person=rita&verb=request.submitted")
    sent(auda, "JSON")
    told = Event.objects.filter(verb="record.exported").order_by("pk").values_list("sentence", flat=True)
    assert told[0] == "Auda Test exported 1 event as JSON with person rita; kind request.submitted."
    assert told[1].endswith("as JSON, without a filter.")


def test_a_long_one_is_cut_and_says_so_in_its_last_line(
    world: World, auda: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "MOST_ROWS", 2)
    rows = read(sent(auda, "CSV"))
    assert len(rows) == 3
    assert rows[-1]["id"].startswith("Cut: the newest ")
    assert not any(rows[-1][column] for column in record_files.COLUMNS[1:])
    file = json.loads(sent(auda, "JSON"))
    assert (file["cut"], file["count"], len(file["events"])) == (True, 2, 2)
    assert Event.objects.filter(verb="record.exported", data__cut=True).count() == 2


def test_who_may_not_see_the_record_gets_none_of_it(world: World, as_: As) -> None:
    for username in ("rita", "opal", "polly"):
        assert as_(username).post("/record/export/", {"kind": "CSV"}).status_code == 403
    assert not Event.objects.filter(verb="record.exported").exists()


@pytest.mark.parametrize(
    ("address", "data"),
    [("?role=none", {"kind": "CSV"}), ("", {"kind": "EXE"}), ("", {}), ("?words=%00", {"kind": "JSON"})],
)
def test_what_cant_be_exported_is_said_on_the_page(auda: Client, address: str, data: dict[str, str]) -> None:
    answer = auda.post(f"/record/export/{address}", data)
    assert answer.status_code == 422
    assert "This needs mending" in words(answer)
    assert not Event.objects.filter(verb="record.exported").exists()


TYPED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(
    str.strip
)
NASTY = st.sampled_from(["=1+1", "+x", "-1", "@a", "\t=1", "\r\n=1", " =1", '"', ",;|\t", "a\nb", "\uff1d1"])


@given(sentence=TYPED | NASTY, data=st.dictionaries(TYPED | NASTY, TYPED | NASTY | st.integers(), max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_written_is_read_back_and_runs_nowhere(
    world: World, auda: Client, sentence: str, data: dict[str, Any]
) -> None:
    with undone():
        event = Event.objects.create(
            at=datetime(2026, 3, 1, tzinfo=UTC),
            verb="nasty.thing",
            sentence=sentence,
            actor=world["rita"],
            data=data,
        )
        (row,) = read(sent(auda, "CSV", "?verb=nasty.thing"))
        for cell in row.values():
            assert cell[:1] not in STARTS | {"\t", "\r", "\n"}
        assert row["sentence"] in (sentence, AS_TEXT + sentence)
        assert json.loads(row["data"] or "{}") == data
        (told,) = json.loads(sent(auda, "JSON", "?verb=nasty.thing"))["events"]
        assert (told["id"], told["sentence"], told["data"]) == (event.pk, sentence, data)
