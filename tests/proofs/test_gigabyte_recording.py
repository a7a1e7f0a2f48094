"""A recording of a gigabyte: delivered in pieces with a break, read, searched, played and fetched, in bounded memory."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright

from jitportal.connectors.ssh import __file__ as ssh_package
from tests import migrated
from tests.connectors.ssh_target import SshFleet, make_key
from tests.journeys.browsing import FLAGS, Visitor
from tests.journeys.portal import RunningPortal
from tests.operations import ssh_rack
from tests.proofs.figures import Say

pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.sqlite]

SIZE = 1 << 30
MIB = 1 << 20
#: How much more than before the server's processes may need, whatever the recording's size.
MOST_MORE = 96 * MIB
PART = 64 * MIB
CERTIFY = """\
import time
from jitportal.operations import certifying
from tests.operations import world
world.settle(open({policy!r}).read())
grant = world.live("rita", "filmed")
while grant.live_at is None:  # the portal's own worker has it
    time.sleep(0.1)
    grant.refresh_from_db()
made = certifying.certify(actor=grant.person, grant=grant, public_key={key!r})
print("serial", made.serial)
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A host's side: the wrapper's own way to the portal, and what it says of the session."""

    portal: Any
    about: dict[str, object]


def wrapper() -> Any:
    """The program that hosts run, as a module."""
    loader = SourceFileLoader("jit_session", str(Path(ssh_package).parent / "host" / "jit-session"))
    spec = spec_from_loader("jit_session", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[RunningPortal]:
    fleet = SshFleet(tmp_path)  # its keys alone: no session is needed here
    names = ("JITPORTAL_TARGET_FLEET_CA", "JITPORTAL_TARGET_FLEET_PASSPHRASE")
    running = RunningPortal(
        database_url=f"sqlite:///{migrated.sqlite_copy(tmp_path / 'jitportal.sqlite3')}",
        folder=tmp_path,
        secrets={name: fleet.secret(name) for name in names},
        demo=True,
    )
    (tmp_path / "policy.yaml").write_text(ssh_rack.policy(fleet))
    with running:
        yield running


@pytest.fixture
def delivery(portal: RunningPortal, tmp_path: Path) -> Delivery:
    """Live access with a certificate, and a host that has a token."""
    code = CERTIFY.format(policy=str(tmp_path / "policy.yaml"), key=make_key(tmp_path / "rita"))
    serial = portal.manage("shell", "--no-imports", "-c", code).split()[-1]
    token = portal.manage("ssh_host", "add", "rack", "web1", "--as", "otto").strip().split("\n")[-1]
    about: dict[str, object] = {
        "session": "0123456789abcdef" * 2,
        "serial": serial,
        "account": "rita",
        "started": time.time(),
        "kind": "asciicast_v2",
    }
    return Delivery(wrapper().Portal({"portal": portal.url, "token": token}), about)


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Path]:
    """Just as much as a recording may have; every line is another, and the mark of its end is there."""
    path, end = tmp_path / "session.cast", b'[9000.0, "m", "exit 0"]\n'
    with path.open("wb") as file:
        file.write(b'{"version": 2, "width": 80, "height": 24, "timestamp": 1700000000}\n')
        file.write(
            json.dumps([0.1, "o", "rita@web1:~$ ./migrate --needle-at-the-start\r\n"]).encode() + b"\n"
        )
        number = 0
        while (left := SIZE - len(end) - file.tell()) > 0:
            number += 1
            shown = (
                f"\x1b[32mrow {number:09}\x1b[0m {hashlib.sha256(str(number).encode()).hexdigest() * 6}\r\n"
            )
            line = json.dumps([round(1 + number / 1000, 3), "o", shown]).encode() + b"\n"
            file.write(line if len(line) <= left else b"\n" * left)
        file.write(end)
    assert path.stat().st_size == SIZE
    yield path
    path.unlink()


def deliver(delivery: Delivery, path: Path, until: int) -> float:
    """Deliver from where the portal stands, as a host does; how many seconds it took."""
    began = time.monotonic()
    delivery.portal.open(delivery.about)
    while delivery.portal.offset < until and not delivery.portal.finished:
        try:
            delivery.portal.send(str(path), whole=True)
        except OSError:  # the last answer waits for the hash of all of it: it is asked for again
            if delivery.portal.offset + PART < SIZE:
                raise
    return time.monotonic() - began


def memory(portal: RunningPortal, name: str) -> int:
    """The largest that any process of the web server has, or has had (``VmHWM``), in bytes."""
    found = 0
    for place in Path("/proc").iterdir():
        with suppress(OSError):
            said = (place / "environ").read_bytes() if place.name.isdigit() else b""
            if f"JITPORTAL_DATA_DIR={portal.environment['JITPORTAL_DATA_DIR']}\0".encode() not in said:
                continue
            if b"gunicorn" in (place / "cmdline").read_bytes():
                status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
                found = max(found, int(status[name].split()[0]) * 1024)
    assert found
    return found


def fetched(visitor: Visitor, portal: RunningPortal, address: str) -> str:
    """The hash of the file, fetched part by part."""
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in visitor.page.context.cookies())
    whole, first = hashlib.sha256(), 0
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=60)
    while first < SIZE:
        connection.request(
            "GET", address, headers={"Cookie": cookies, "Range": f"bytes={first}-{first + PART - 1}"}
        )
        answer = connection.getresponse()
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + PART - 1}/{SIZE}"
        while block := answer.read(MIB):
            whole.update(block)
            first += len(block)
    connection.close()
    return whole.hexdigest()


def test_a_gigabyte_comes_in_pieces_and_is_looked_at_in_bounded_memory(
    portal: RunningPortal, delivery: Delivery, recorded: Path, say: Say
) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        visitor = Visitor(browser, portal.url)
        page = visitor.page
        visitor.become("Rita")
        before = memory(portal, "VmRSS")

        first = deliver(delivery, recorded, SIZE // 2)
        halfway = memory(portal, "VmHWM")
        portal.kill()
        with pytest.raises(OSError, match="refused"):
            deliver(delivery, recorded, SIZE)
        portal.start()
        seconds = first + deliver(delivery, recorded, SIZE)
        delivered = max(halfway, memory(portal, "VmHWM"))
        say(f"a gigabyte delivered in {seconds:.0f} s, with the portal killed halfway")

        page.goto("/recordings/1/")
        expect(page.locator("main")).to_contain_text("Complete")
        sha256 = wrapper().file_hash(str(recorded))
        expect(visitor.fact("SHA-256")).to_have_text(sha256)
        began = time.monotonic()
        page.get_by_role("button", name="Look at it").click()
        expect(page.locator(".ap-player")).to_be_visible()
        expect(page.locator("main")).to_contain_text("what is listed and found is in its first 24.0")
        say(f"its page after {time.monotonic() - began:.1f} s")
        expect(page.locator(".commands")).to_contain_text("./migrate --needle-at-the-start")
        began = time.monotonic()
        page.get_by_label("Words").fill("row 000012345")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_role("status")).to_contain_text("1 line with")
        say(f"words found after {time.monotonic() - began:.1f} s")
        expect(page.locator(".ap-player")).to_be_visible()
        page.get_by_role("button", name="row 000012345").click()
        expect(page.locator("#player")).to_contain_text("row 00001", timeout=60_000)
        looked = memory(portal, "VmHWM")

        began = time.monotonic()
        address = page.get_by_role("link", name="The file as it came").get_attribute("href")
        assert fetched(visitor, portal, str(address)) == sha256
        say(
            f"fetched in {SIZE // PART} parts in {time.monotonic() - began:.1f} s, its hash is the one on the page"
        )
        after = memory(portal, "VmHWM")
        say(
            f"the server's process in MiB: {before // MIB} before, at most {delivered // MIB} while it came, "
            f"{looked // MIB} with its page, {after // MIB} in all"
        )
        assert max(delivered, looked, after) - before < MOST_MORE
        assert visitor.complaints == []
        browser.close()
