"""Break-glass on a real host from the click to the end, with a portal of real processes that is killed."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import sync_playwright

from tests import migrated
from tests.connectors.ssh_orders import Client
from tests.connectors.ssh_target import SshFleet, alive, now
from tests.journeys.browsing import FLAGS, Visitor
from tests.journeys.portal import RunningPortal
from tests.operations import ssh_rack
from tests.operations.ssh_sessions import NOWHERE, configure, gone_within, session, until
from tests.proofs.figures import Say

pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.sqlite]

#: Ways out of a session: each leaves a process that has the word in its command line.
ESCAPES = (
    "setsid sh -c 'sleep 3000 # WORD' &",
    "nohup sh -c 'sleep 3000 # WORD' >/dev/null 2>&1 &",
    "(setsid sh -c 'trap \"\" HUP TERM INT; sleep 3000 # WORD' &)",
    'python3 -c "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); '
    'os.closerange(0, 256); time.sleep(3000) # WORD"',
)
TICKS = "while sleep 0.1; do echo tick $(date +%s.%N); done"


@pytest.fixture
def portal(ssh_fleet: SshFleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """A portal of real processes, whose one host is the fleet's."""
    configure(ssh_fleet, NOWHERE, "none", target="rack")
    folder = tmp_path_factory.mktemp("killed")
    place = migrated.sqlite_copy(folder / "jitportal.sqlite3")
    names = ("JITPORTAL_TARGET_FLEET_CA", "JITPORTAL_TARGET_FLEET_PASSPHRASE")
    running = RunningPortal(
        database_url=f"sqlite:///{place}",
        folder=folder,
        secrets={name: ssh_fleet.secret(name) for name in names},
        demo=True,
    )
    (folder / "policy.yaml").write_text(ssh_rack.emergency_policy(ssh_fleet))
    with running:
        running.manage(
            "shell",
            "--no-imports",
            "-c",
            f"from tests.operations import world; world.settle(open({str(folder / 'policy.yaml')!r}).read())",
        )
        token = running.manage("ssh_host", "add", "rack", "web1", "--as", "otto").strip().split("\n")[-1]
        configure(ssh_fleet, running.url, token, target="rack")
        ssh_fleet.inside("/usr/local/sbin/jit-krl")
        yield running


@pytest.fixture
def rita(portal: RunningPortal) -> Iterator[Visitor]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        visitor = Visitor(browser, portal.url)
        visitor.page.goto("/")
        visitor.page.get_by_role("button", name=re.compile("^Be .*rita", re.IGNORECASE)).click()
        yield visitor
        browser.close()


def activate(rita: Visitor, minutes: int) -> None:
    """Fill the form; the click that breaks the glass is the caller's."""
    page = rita.page
    page.goto("/emergency/activate/")
    page.get_by_role("radio", name="Outage").check()
    page.get_by_role("radio", name=re.compile("Rescue one")).check()
    page.get_by_label("Incident (its reference)").fill("INC-7")
    page.get_by_label("What is broken?").fill("Nobody can sign in.")
    page.get_by_label("What do you expect to do?").fill("Restart the identity provider's database.")
    page.locator("input[name^=minutes]").fill(str(minutes))


def certificate(rita: Visitor, public_key: str) -> str:
    page = rita.page
    page.get_by_role("link", name="Get a certificate").click()
    page.get_by_label("Another public key").fill(public_key)
    page.get_by_role("button", name="Sign this key").click()
    address = page.get_by_role("link", name=re.compile("^Download")).get_attribute("href")
    return page.request.get(str(address)).text().strip()


def rows(portal: RunningPortal, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(portal.environment["JITPORTAL_DATABASE_URL"].removeprefix("sqlite:///")) as database:
        return database.execute(query).fetchall()


def finished(portal: RunningPortal) -> tuple[object, ...] | None:
    found = rows(portal, "SELECT id, gaps, state FROM jitportal_recording WHERE state <> 'receiving'")
    return found[0] if found else None


def ticks(portal: RunningPortal, pk: object) -> list[float]:
    file = Path(portal.environment["JITPORTAL_DATA_DIR"]) / "recordings" / "000000" / f"{pk}.recording"
    events = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    shown = "".join(event[2] for event in events if event[1] == "o")
    return [float(moment) for moment in re.findall(r"tick (\d+\.\d+)", shown)]


def test_a_portal_that_is_killed_ends_the_session_on_time_and_gets_all_of_its_recording(
    portal: RunningPortal, rita: Visitor, ssh_fleet: SshFleet, tmp_path: Path, say: Say
) -> None:
    client = Client(ssh_fleet, tmp_path)
    word = f"marker{uuid4().hex[:8]}"
    activate(rita, minutes=1)
    clicked = time.monotonic()
    rita.page.get_by_role("button", name="Activate emergency access").click()
    line = certificate(rita, client.public)
    with session(client.ssh(line, login="emergency1", options=("-tt",))) as opened:
        opened.wait_for("$ ")
        say(f"from the click to a shell: {time.monotonic() - clicked:.2f} s")
        assert time.monotonic() - clicked < 5
        ends_at = rows(portal, "SELECT ends_at FROM jitportal_grant WHERE ends_at IS NOT NULL")[0][0]
        ends = datetime.fromisoformat(str(ends_at)).replace(tzinfo=UTC, microsecond=0)
        for escape in ESCAPES:
            opened.type(escape.replace("WORD", word) + "\n")
        opened.type(f"{TICKS}\n")
        until(lambda: rows(portal, "SELECT 1 FROM jitportal_recordingpiece"))
        assert len(alive(word)) >= len(ESCAPES)
        portal.kill()
        assert not portal.readiness()
        while (left := (ends - now()).total_seconds()) > 0:
            opened.wait_for("tick")
            time.sleep(min(0.5, left))
        gone_within(word, 2)
        say(f"from the end to the last process gone: {(now() - ends).total_seconds():.2f} s")
        assert (now() - ends).total_seconds() < 2
        opened.end()
    assert "This session's time is over" in opened.shown
    portal.start()
    whole = until(lambda: finished(portal), seconds=60)
    assert whole
    assert whole[1:] == ("[]", "complete")
    times = ticks(portal, whole[0])
    say(f"the last of the recording is from {ends.timestamp() - times[-1]:.2f} s before the end")
    assert ends.timestamp() - times[-1] < 1
    assert max(after - before for before, after in pairwise(times)) < 2


def test_an_early_end_by_the_wrapper_s_word_and_by_the_list(
    portal: RunningPortal, rita: Visitor, ssh_fleet: SshFleet, tmp_path: Path, say: Say
) -> None:
    client = Client(ssh_fleet, tmp_path)
    word = f"marker{uuid4().hex[:8]}"
    activate(rita, minutes=30)
    rita.page.get_by_role("button", name="Activate emergency access").click()
    activation = rita.page.url
    line = certificate(rita, client.public)
    with session(client.ssh(line, login="emergency1", options=("-tt",))) as opened:
        opened.wait_for("$ ")
        opened.type(ESCAPES[0].replace("WORD", word) + "\n")
        until(lambda: alive(word))
        rita.page.goto(activation)
        rita.page.get_by_role("link", name=re.compile("Hand .*back|End it")).first.click()
        button = rita.page.get_by_role("button", name=re.compile("^(Hand|End)")).first
        button.click(no_wait_after=True)
        begun = time.monotonic()
        gone_within(word, 5)
        say(f"from the hand-back's click to the last process gone: {time.monotonic() - begun:.2f} s")
        opened.wait_for("This access was ended")
        opened.end()
    ssh_fleet.inside("/usr/local/sbin/jit-krl")
    say(f"the list is taken: {time.monotonic() - begun:.2f} s after the click, fetched at once")
    with session(client.ssh(line, login="emergency1", options=("-tt",))) as refused:
        assert refused.end() == 255
    whole = until(lambda: finished(portal))
    assert whole
    assert whole[1:] == ("[]", "complete")
