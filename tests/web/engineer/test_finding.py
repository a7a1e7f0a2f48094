"""Finding a role: only those one may request, best first, with and without script, in few queries."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from django.conf import LazySettings
from django.test import Client

from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn

Counted = Callable[[int], AbstractContextManager[object]]
HTMX = {"HX-Request": "true"}


def names(html: str) -> list[str]:
    return re.findall(r'class="row-title"[^>]*>([^<]+)<', html)


def find(client: Client, words: str, **headers: str) -> str:
    return client.get("/request/", {"q": words}, headers=headers).content.decode()


def test_a_role_is_found_by_its_name_target_privilege_scope_and_description(ed: Client) -> None:
    assert names(find(ed, "goods LIFT")) == ["Goods lift"]
    assert names(find(ed, "cage-left")) == ["Server cage"]  # the privilege
    assert names(find(ed, "right cage")) == ["Server cage"]  # the scope
    assert names(find(ed, "I want to hold keys")) == ["Key cabinet"]  # the description
    assert set(names(find(ed, "office building"))) == {"Goods lift", "Key cabinet", "Server cage"}


def test_only_what_one_may_request_is_listed(ed: Client, as_: SignedIn) -> None:
    assert "Guest list" not in names(find(ed, ""))
    assert names(find(as_("olga"), "")) == ["Guest list"]
    assert names(find(ed, "rescue outage")) == []  # break-glass has its own entrance


def test_a_search_for_what_one_may_not_request_says_whom_to_ask(ed: Client) -> None:
    html = find(ed, "guests")
    assert "None that you may request speaks of that" in html
    assert names(html) == ["Guest list"]
    assert "Olga Test" in html
    assert "/request/jit/guests/" not in html


def test_an_empty_result_teaches(ed: Client, as_: SignedIn) -> None:
    html = find(ed, "zeppelin")
    assert "No role speaks of “zeppelin”." in html
    assert "a privilege as the system calls it" in html
    assert "There is no role that you may request." in find(as_("sam"), "")
    assert "Request those chosen together" not in as_("sam").get("/request/").content.decode()


def test_a_word_that_nothing_speaks_of_is_named_beside_what_was_found(ed: Client) -> None:
    html = find(ed, "zeppelin cabinet")
    assert names(html) == ["Key cabinet"]
    assert "Nothing here speaks of “zeppelin”." in html


def test_what_one_asked_for_before_comes_first(ed: Client) -> None:
    house.ask(role="lift")
    html = find(ed, "")
    assert "You asked for these before" in html
    assert names(html)[0] == "Goods lift"
    assert names(html).count("Goods lift") == 1


def test_while_one_types_only_what_was_found_is_answered(ed: Client) -> None:
    answer = ed.get("/request/", {"q": "cage"}, headers=HTMX)
    html = answer.content.decode()
    assert "<html" not in html
    assert names(html) == ["Server cage"]
    assert 'hx-swap-oob="true"' in html
    assert "1 role found." in html
    assert "HX-Request" in answer.headers["Vary"]
    back = ed.get("/request/", {"q": "cage"}, headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert b"<html" in back.content


def test_markup_that_is_searched_for_stays_text(ed: Client) -> None:
    html = find(ed, "<script>alert(1)</script>")
    assert "<script>alert(1)" not in html


def test_finding_costs_the_same_however_many_are_found(
    ed: Client, django_assert_num_queries: Counted, settings: LazySettings
) -> None:
    settings.LIMITS = {**settings.LIMITS, "search": None}  # it counts searches, not what they find
    house.ask(role="cage")
    for words, queries in (("zeppelin", 15), ("cabinet", 15), ("", 16), ("guests", 16)):
        with django_assert_num_queries(queries):
            find(ed, words)
