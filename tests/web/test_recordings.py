"""The page of a recording: who sees it, that looking is written down, and that nothing in it acts."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connections
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Dialog, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from jitportal.models import Event, Grant, Recording
from jitportal.operations import clock, recordings
from jitportal.web.views.recordings import token_for
from tests.journeys.browsing import Visitor
from tests.operations.hostile_recordings import SMALL, flood
from tests.web.engineer import house

pytestmark = pytest.mark.django_db

HEADER = {"version": 2, "width": 80, "height": 24}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x1b[31m"
SESSION: list[list[object]] = [
    [0.2, "o", "\x1b]0;rita@web1: ~\x07rita@web1:~$ "],
    [
        0.9,
        "o",
        "systemctl status nginx\r\n\x1b[32m● nginx.service\x1b[0m - A high performance web server\r\n",
    ],
    [1.1, "o", "   Active: \x1b[31mfailed\x1b[0m (Result: exit-code)\r\nrita@web1:~$ "],
    [2.4, "o", "tail -n 2 /var/log/nginx/error.log\r\n"],
    [
        2.5,
        "o",
        "bind() to 0.0.0.0:443 failed (98: Address already in use)\r\nstill could not bind()\r\nrita@web1:~$ ",
    ],
    [4.0, "o", "sudo systemctl restart nginx\r\nrita@web1:~$ exit\r\nlogout\r\n"],
    [4.1, "m", "exit 0"],
]


#: What would have a browser's tab stand still.
DEAR = ("line breaks", "sizes", "the same character again", "a screen that is filled")


@pytest.fixture(autouse=True)
def _place(settings: LazySettings, tmp_path: Path) -> None:
    settings.RECORDINGS_DIR = tmp_path / "recordings"


def kept(
    grant: Grant, events: list[list[object]], kind: str = "asciicast_v2", header: object = HEADER
) -> Recording:
    lines = events if kind == "statements" else [header, *events]
    return bare(grant, b"".join(json.dumps(line).encode() + b"\n" for line in lines), kind, kind)


def bare(grant: Grant, data: bytes, session: str, kind: str = "asciicast_v2") -> Recording:
    now = clock.now()
    made = Recording.objects.create(
        grant=grant,
        kind=kind,
        source="web1",
        account="ed",
        session=session,
        started_at=now,
        received_at=now,
        size=len(data),
    )
    path = recordings.path_of(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return made


def client_of(username: str) -> Client:
    client = Client()
    client.force_login(house.person(username))
    return client


def watched(client: Client, recording: Recording, query: str = "") -> tuple[str, str]:
    """The page that a click leads to, and its address."""
    answer = client.post(f"/recordings/{recording.pk}/watch/")
    assert answer.status_code == 302
    address = str(answer.headers["Location"])
    return client.get(f"{address}{query}").content.decode(), address


@pytest.fixture
def grant(db: None) -> Grant:
    house.build()
    return house.held()


def test_looking_is_written_down_before_anything_is_shown(grant: Grant) -> None:
    recording, mona = kept(grant, SESSION), client_of("mona")
    page = mona.get(f"/recordings/{recording.pk}/").content.decode()
    assert "nginx" not in page
    assert not Event.objects.filter(verb="recording.viewed").exists()
    page, address = watched(mona, recording)
    assert "systemctl status nginx" in page
    event = Event.objects.get(verb="recording.viewed")
    assert (event.actor, event.grant, event.data) == (
        house.person("mona"),
        grant,
        {"recording": recording.pk},
    )
    # Another's address of a viewing shows nothing: who looks must be on record.
    assert client_of("ed").get(address).status_code == 404
    assert mona.get(address.replace(f"/{recording.pk}/", f"/{recording.pk + 1}/")).status_code == 404
    with clock.moved(to=clock.now()):
        assert mona.get(f"/recordings/{recording.pk}/watch/{'x' * 40}/").status_code == 404


@pytest.mark.parametrize(
    ("username", "status"), [("ed", 200), ("mona", 200), ("olga", 200), ("eve", 404), ("kai", 404)]
)
def test_the_holder_and_those_who_may_review_see_it_and_nobody_else(
    grant: Grant, username: str, status: int
) -> None:
    recording = kept(grant, SESSION)
    assert client_of(username).get(f"/recordings/{recording.pk}/").status_code == status
    linked = (
        f"/recordings/{recording.pk}/" in client_of(username).get(f"/grants/{grant.pk}/").content.decode()
    )
    assert linked == (status == 200)


def test_commands_and_words_are_found_with_their_moments(grant: Grant) -> None:
    page, _address = watched(client_of("ed"), kept(grant, SESSION), "?q=address+USE")
    commands = re.findall(
        r'data-seek="([\d.]+)"[^>]*>\s*<span[^>]*>([\d:]+)</span> <code>([^<]*)</code>', page
    )
    assert ("0.900", "00:00", "systemctl status nginx") in commands
    assert ("2.500", "00:02", "bind() to 0.0.0.0:443 failed (98: Address already in use)") in commands
    assert "Others may be missing" in page
    page, _address = watched(client_of("ed"), Recording.objects.get(), "?q=nothing-of-the-kind")
    assert "Nothing has" in page


def test_markup_and_sequences_in_it_are_harmless(grant: Grant) -> None:
    recording = kept(grant, [[0.1, "o", f"rita@web1:~$ {EVIL}\r\n"], [0.2, "o", f"{EVIL}\r\n"]])
    page, address = watched(client_of("ed"), recording, "?q=script")
    for part in ("<script>alert", "<img src=x", "\x1b", "\x07"):
        assert part not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    file = client_of("ed").get(f"{address}file")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["Content-Type"] == "application/octet-stream"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.getvalue() == recordings.path_of(recording).read_bytes()


def test_only_the_page_that_plays_may_run_compiled_code(grant: Grant) -> None:
    client, recording = client_of("ed"), kept(grant, SESSION)
    _page, address = watched(client, recording)
    assert "'wasm-unsafe-eval'" in client.get(address).headers["Content-Security-Policy"]
    assert client.get(f"{address}cast").headers["Accept-Ranges"] == "none"
    for other in ("/", f"/recordings/{recording.pk}/", f"{address}cast", f"{address}file"):
        assert "wasm" not in client.get(other).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ("", 200, (0, None)),
        ("bytes=0-9", 206, (0, 10)),
        ("bytes=10-", 206, (10, None)),
        ("bytes=-7", 206, (-7, None)),
        ("bytes=5-99999999", 206, (5, None)),
        ("bytes=99999999-", 416, (0, 0)),
        ("bytes=9-3", 416, (0, 0)),
        ("bytes=-0", 416, (0, 0)),
        ("bytes=0-1,4-5", 200, (0, None)),
        ("bytes=-", 200, (0, None)),
        ("lines=1-2", 200, (0, None)),
        (f"bytes={'9' * 400}-", 200, (0, None)),
    ],
)
def test_a_part_of_the_file_is_sent_where_one_is_asked_for(
    grant: Grant, asked: str, status: int, span: tuple[int, int | None]
) -> None:
    recording, ed = kept(grant, SESSION), client_of("ed")
    _page, address = watched(ed, recording)
    whole = recordings.path_of(recording).read_bytes()
    answer = ed.get(f"{address}file", headers={"Range": asked} if asked else {})
    body = answer.getvalue()
    assert (answer.status_code, body) == (status, whole[slice(*span)])
    if status == 206:
        first = whole.index(body)
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"
    changed = ed.get(f"{address}file", headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert changed.getvalue() == whole


def test_what_is_known_of_the_commands_is_said(grant: Grant) -> None:
    noted: list[list[object]] = [
        [0.1, "o", "Password: "],
        [0.2, "m", "entered 2"],
        [0.3, "o", "\r\nid\r\n"],
        [0.4, "m", "entered 1"],
        [0.5, "o", "\r\n\x1b[?1049h"],
        [0.6, "m", "entered 7"],
    ]
    page, address = watched(client_of("ed"), kept(grant, noted, header={**HEADER, "notes": "lines"}))
    assert re.findall(r"<code>([^<]*)</code>", page) == ["Password:", "id"]
    assert "1 more line was entered that it didn" in page
    assert "Enter was pressed 7 times in full-screen programs" in page
    assert "entered 7" not in client_of("ed").get(f"{address}cast").getvalue().decode()
    asked = {**HEADER, "command": "systemctl stop \x1b[31mnginx"}
    page, _address = watched(client_of("ed"), kept(grant, [[0.2, "o", "done\r\n"]], "asciicast_v3", asked))
    assert re.findall(r"<code>([^<]*)</code>", page) == ["systemctl stop nginx"]
    assert "nobody noted" in page


def test_statements_need_no_player_and_are_exact(grant: Grant) -> None:
    statement: object = {"at": clock.now().isoformat(), "statement": "DELETE FROM orders WHERE id = 7"}
    recording = kept(grant, [statement], "statements")  # type: ignore[list-item]
    page, address = watched(client_of("ed"), recording)
    assert "As the database server logged them" in page
    assert "DELETE FROM orders WHERE id = 7" in page
    assert "asciinema" not in page
    assert client_of("ed").get(f"{address}cast").status_code == 404


def test_a_recording_without_its_file_is_an_empty_page(grant: Grant) -> None:
    recording = kept(grant, SESSION)
    recordings.path_of(recording).unlink()
    page, address = watched(client_of("ed"), recording)
    assert "None." in page
    assert client_of("ed").get(f"{address}file").getvalue() == b""


def test_the_page_of_whatever_came_is_a_page(grant: Grant) -> None:
    """No text of a host's makes it an error, or comes out as markup or as a sequence."""
    ed = client_of("ed")
    for number, (name, data) in enumerate(SMALL.items()):
        recording = bare(grant, data, f"hostile-{number}")
        address = reverse("recording_play", args=(recording.pk, token_for(house.person("ed"), recording.pk)))
        page = ed.get(f"{address}?q=after").content.decode()
        assert "What is known of it" in page, name
        assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(page), name
        assert not re.search(r"<script>|<img|<style", page.partition("<main")[2]), name
        assert ed.get(f"{address}cast").getvalue().startswith(b'{"version": 2'), name
    for kind in ("plain", "statements"):
        statement: bytes = json.dumps({"at": "9999-12-31T23:59:59Z", "statement": f"a\ud800 {EVIL}"}).encode()
        page, _address = watched(ed, bare(grant, statement + b"\n", f"odd-{kind}", kind), "?q=a")
        assert "&lt;script&gt;" in page


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.browser
def test_the_player_plays_in_a_browser_that_keeps_to_the_policy(
    transactional_db: None, live_server: LiveServer, browser: Browser, tmp_path: Path
) -> None:
    house.build()
    # A minute in which nothing happens: each moment is where the list says all the same.
    later = [[float(str(at)) + 60, kind, text] for at, kind, text in [*SESSION[3:], [4.2, "o", EVIL]]]
    recording = kept(house.held(), [*SESSION[:3], *later])
    client = client_of("mona")
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    complaints: list[str] = []
    shots = os.environ.get("SCREENSHOTS")
    for scheme, width in (("light", 1440), ("dark", 1440), ("light", 360)) if shots else (("light", 1440),):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            base_url=live_server.url,
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        context.add_cookies([cookie])  # type: ignore[list-item]  # the stub wants its own TypedDict
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        page.goto(f"/recordings/{recording.pk}/")
        if shots:
            page.screenshot(path=f"{shots}/detail-{scheme}-{width}.png", full_page=True)
        page.get_by_role("button", name="Look at it").click()
        expect(page.locator(".ap-player")).to_be_visible()
        page.get_by_role("button", name=re.compile("restart nginx")).click()
        expect(page.locator("#player")).to_contain_text("Address already in use", timeout=15_000)
        page.get_by_role("button", name=re.compile("tail -n 2")).click()
        expect(page.locator("#player")).not_to_contain_text("restart nginx", timeout=15_000)
        expect(page.locator("#player")).to_contain_text("tail -n 2")
        if shots:
            page.goto(f"{page.url}?q=bind")
            page.get_by_role("button", name=re.compile("restart nginx")).click()
            expect(page.locator("#player")).to_contain_text("Address already in use", timeout=15_000)
            page.screenshot(path=f"{shots}/play-{scheme}-{width}.png", full_page=True)
        context.close()
    connections.close_all()  # what was opened beside Playwright's loop is closed beside it
    assert complaints == []


@pytest.mark.browser
@pytest.mark.proof
def test_hostile_recordings_do_nothing_in_a_browser(
    transactional_db: None, live_server: LiveServer, browser: Browser
) -> None:
    """Each is looked at, searched and played to its end: no dialog, no error, nothing against the policy."""
    house.build()
    held, client = house.held(), client_of("mona")
    visitor = Visitor(browser, live_server.url)
    visitor.has_session("sessionid", client.cookies["sessionid"].value)
    page, dialogs = visitor.page, list[str]()

    def closed(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", closed)
    dear = {name: flood(name, 4 << 20) for name in DEAR}
    for number, (name, data) in enumerate({**SMALL, **dear}.items()):
        recording = bare(held, data, f"hostile-{number}")
        token = token_for(house.person("mona"), recording.pk)
        began = time.monotonic()
        page.goto(f"{reverse('recording_play', args=(recording.pk, token))}?q=after")
        expect(page.locator(".ap-player"), name).to_be_visible(timeout=60_000)
        expect(page.get_by_role("status"), name).to_be_visible()
        page.locator("#player").click()
        page.keyboard.press("End")
        page.wait_for_timeout(300)
        assert page.evaluate("1 + 1") == 2
        assert page.evaluate("document.title").startswith("Recording"), name
        assert page.locator("script:not([src]), img, style, iframe, a[href^=javascript]").count() == 0, name
        assert time.monotonic() - began < 60, name
        assert (visitor.complaints, dialogs) == ([], []), name
    visitor.close()
    connections.close_all()
