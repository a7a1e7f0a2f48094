"""From a grant to a shell, and to the end of everything in it: on a real host, with the portal alive and dead."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from jitportal.connectors.ssh.checkup import WRAPPER_VERSION
from jitportal.models import EmergencySignIn, Event, PostIncidentReview, Recording, SshHost
from jitportal.operations import (
    certifying,
    emergencies,
    grants,
    post_incident_closing,
    recording_text,
    recordings,
)
from jitportal.rules.entered_lines import MARK, EnteredLines
from tests.connectors.ssh_orders import Client
from tests.connectors.ssh_target import SshFleet, alive, now, run
from tests.operations import emergency_world, ssh_rack, world
from tests.operations.ssh_sessions import (
    NOWHERE,
    SPOOL,
    configure,
    gone_within,
    left_behind,
    recorded,
    session,
    until,
    wrapper_of,
)

#: From the grant to a shell on a machine that does ten things at once; the proof says five seconds.
BUSY = 20.0


@pytest.fixture
def client(ssh_fleet: SshFleet, tmp_path: Path) -> Client:
    configure(ssh_fleet, NOWHERE, "none")
    return Client(ssh_fleet, tmp_path)


def test_everything_in_a_session_dies_at_its_end_with_the_portal_dead(client: Client) -> None:
    """A child of setsid, one that has forked twice, and a shell that has undone what kills it."""
    word = f"marker{uuid4().hex[:8]}"
    end = now() + timedelta(seconds=4)
    with session(client.ssh(recorded(client, 4), options=("-tt",))) as opened:
        opened.wait_for("$ ")
        opened.type(f"setsid sh -c 'sleep 300 # {word}' & (setsid sh -c 'sleep 300 # {word}' &)\n")
        opened.type(
            f"exec python3 -c \"import ctypes, time; ctypes.CDLL(None).prctl(1, 0); print('un'+'done'); "
            f'time.sleep(300) # {word}"\n'
        )
        opened.wait_for("undone")
        assert len(alive(word)) >= 3
        opened.end()
    over = (now() - end).total_seconds()
    gone_within(word, max(0.0, 2 - over))
    assert "This session's time is over" in opened.shown
    *_, note, last = left_behind(client.fleet)
    assert "time is over" in str(note[2])
    assert last[1:] == ["m", "exit -9"]


def test_input_is_never_recorded_and_output_is(client: Client) -> None:
    with session(client.ssh(recorded(client), options=("-tt",))) as opened:
        opened.wait_for("$ ")
        opened.type("read -s word; echo got ${#word}\n")
        opened.wait_for("got ${#word}")
        time.sleep(0.3)
        opened.type("hunter2secret\n")
        opened.wait_for("got 13")
        opened.type("exit 3\n")
        assert opened.end() == 3
    text = json.dumps(left_behind(client.fleet))
    assert "got 13" in text
    assert "hunter2secret" not in text


def test_each_line_that_is_entered_is_noted_whatever_the_prompt(client: Client) -> None:
    """With no prompt at all, by a shell that edits lines and by one that doesn't; a password is only counted."""
    with session(client.ssh(recorded(client), options=("-tt",))) as opened:
        opened.wait_for("$ ")
        for typed, shown in (
            ("PS1=; echo be''gun", "begun\r\n"),
            ("echo o''ne", "one\r\n"),
            ("exec env PS1= dash", "dash\r\n"),
            ("echo t''wo", "two\r\n"),
            ("stty -echo; read word; stty echo; echo thr''ee", "ee\r\n"),
            ("hunter2secret", "three\r\n"),
            ("exit 4", "exit 4\r\n"),
        ):
            opened.type(f"{typed}\n")
            opened.wait_for(shown)
            time.sleep(0.2)
        assert opened.end() == 4
    entered, said = EnteredLines(80), []
    for seconds, kind, text in left_behind(client.fleet):
        if kind == "o":
            said += [line.text for line in entered.feed(float(str(seconds)), str(text))]
        elif mark := MARK.fullmatch(str(text)):
            entered.entered(int(mark[1]))
    assert said[:4] == ["PS1=; echo be''gun", "echo o''ne", "exec env PS1= dash", "echo t''wo"]
    assert said[-1] == "exit 4"
    assert "hunter2secret" not in " ".join(said)


def test_nothing_is_started_for_a_session_by_others(client: Client) -> None:
    """Its user's own manager, cron and at run outside of it: it can't reach where they take orders."""
    place = "/run/user/orders"
    client.fleet.inside(
        "sh", "-c", f"mkdir -p {place} /var/spool/cron; chmod 777 {place}; touch {place}/socket"
    )
    done = run(
        client.ssh(recorded(client), f"ls /run/user /var/spool/cron; touch {place}/mine /run/user/mine")
    )
    assert done.stdout == "/run/user:\n\n/var/spool/cron:\n"
    assert done.stderr.count("No such file") == 1
    assert client.fleet.inside("ls", place) == "socket\n"


def test_a_command_runs_as_its_user_with_its_own_status(client: Client) -> None:
    done = run(client.ssh(recorded(client), "id -un; echo wrong >&2; cat; exit 7"), stdin="piped")
    assert done.returncode == 7
    assert done.stdout == "rita\npiped"
    assert "wrong" in done.stderr
    assert "rita" in json.dumps(left_behind(client.fleet))


def test_what_a_user_left_in_bashrc_runs_in_no_later_session_outside_its_recording(client: Client) -> None:
    """A bash that sshd starts reads it before the forced command, outside everything that ends and records."""
    home = "/home/rita"
    client.fleet.inside(
        "sh", "-c", f"echo 'touch {home}/outside' > {home}/.bashrc; chown rita {home}/.bashrc"
    )
    try:
        done = run(client.ssh(recorded(client), "echo $SHELL"))
        assert done.stdout.strip().endswith("bash")
        assert client.fleet.inside("sh", "-c", f"ls {home}/outside 2>&1 || true").count("No such file") == 1
    finally:
        client.fleet.inside("rm", "-f", f"{home}/.bashrc", f"{home}/outside")


def test_the_recordings_are_closed_to_the_user(client: Client) -> None:
    done = run(
        client.ssh(recorded(client), f"ls {SPOOL}; cat /etc/jit-session.conf; sudo -n cat /etc/shadow")
    )
    assert done.stdout == ""
    assert done.stderr.count("ermission denied") == 2
    assert "password is required" in done.stderr


@pytest.mark.parametrize(
    "forged", ["", "publickey ssh-ed25519 AAAA\n", "another account", "not signed", "over"]
)
def test_without_a_certificate_of_one_s_own_there_is_no_session(
    client: Client, forged: str, tmp_path: Path
) -> None:
    """Whoever calls the wrapper by sudo says what they please of how they came in."""
    said = forged
    if forged == "another account":
        said = f"publickey {client.certificate(client.order(login='remy'))}\n"
    if forged == "not signed":
        said = f"publickey {client.certificate()[:-20]}AAAAAAAAAAAAAAAAAAAA\n"
    if forged == "over":
        said = f"publickey {client.certificate(client.order(seconds=-1))}\n"
    run(client.ssh(client.certificate(), "cat >auth"), stdin=said)
    done = run(
        client.ssh(client.certificate(), "SSH_USER_AUTH=$PWD/auth sudo -n /usr/local/sbin/jit-session")
    )
    assert done.returncode == 1
    assert done.stderr.startswith("No session: ")
    with_arguments = run(client.ssh(client.certificate(), "sudo -n /usr/local/sbin/jit-session --deliver"))
    assert "password is required" in with_arguments.stderr


def test_a_session_whose_recording_is_full_ends(client: Client) -> None:
    configure(client.fleet, NOWHERE, "none", largest="20000")
    done = run(client.ssh(recorded(client), "cat /dev/zero | tr '\\0' x; sleep 60"))
    assert done.returncode != 0
    assert len(json.dumps(left_behind(client.fleet))) < 21_000


def test_a_session_ends_without_delivery_where_the_host_says_so(client: Client) -> None:
    configure(client.fleet, NOWHERE, "none", without_delivery="end")
    with session(client.ssh(recorded(client), options=("-tt",))) as opened:
        opened.wait_for("can't be delivered")
        opened.end()


@pytest.mark.django_db(transaction=True)
class TestWithThePortal:
    """The portal is a real server; the host delivers to it."""

    @pytest.fixture(autouse=True)
    def host(
        self,
        client: Client,
        live_server: LiveServer,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        settings: LazySettings,
    ) -> SshHost:
        settings.RECORDINGS_DIR = tmp_path / "recordings"
        return ssh_rack.attached(client.fleet, monkeypatch, live_server.url)

    def test_a_shell_and_a_recording_to_the_last(self, client: Client) -> None:
        begun = time.monotonic()
        grant, certificate = ssh_rack.granted(client)
        with session(client.ssh(certificate, options=("-tt",))) as opened:
            opened.wait_for("$ ")
            assert time.monotonic() - begun < BUSY
            opened.type("echo first of all\n")
            opened.wait_for("first of all\r\n")
            piece = until(lambda: Recording.objects.filter(size__gt=200).first())
            assert piece
            assert piece.state == "receiving"  # while the session runs
            opened.type("echo last of all; exit\n")
            opened.end()
        whole = until(lambda: Recording.objects.filter(state="complete").first())
        assert whole
        commands = [line.text for line in recording_text.read(whole).commands]
        assert commands == ["echo first of all", "echo last of all; exit"]
        assert (whole.grant, whole.source, whole.account, whole.kind) == (
            grant,
            "web1",
            "rita",
            "asciicast_v2",
        )
        assert whole.sha256 == whole.said_sha256
        assert whole.pieces.count() >= 2
        text = recordings.path_of(whole).read_text()
        assert len(text.encode()) == whole.size == sum(piece.size for piece in whole.pieces.all())
        shown = "".join(str(event[2]) for event in map(json.loads, text.splitlines()[1:]) if event[1] == "o")
        assert shown.index("first of all") < shown.index("last of all\r\n")
        until(lambda: not client.fleet.inside("ls", SPOOL))
        assert world.verbs(grant=grant)[-2:] == ["recording.begun", "recording.finished"]

    def test_a_shell_after_breaking_the_glass(self, client: Client) -> None:
        world.apply_policy(ssh_rack.emergency_policy(client.fleet))
        begun = time.monotonic()
        activation = emergency_world.live("rita")
        grant = emergency_world.grant_of(activation)
        made = certifying.certify(actor=activation.person, grant=grant, public_key=client.public)
        with session(client.ssh(made.text, login="emergency1", options=("-tt",))) as opened:
            opened.wait_for("$ ")
            assert time.monotonic() - begun < BUSY
            opened.type("echo I am $(id -un)\n")
            opened.wait_for("I am emergency1")
            emergencies.hand_back(actor=activation.person, activation=activation)
            opened.wait_for("This access was ended: it was handed back", seconds=8)
            opened.end()
        whole = until(lambda: Recording.objects.filter(state="complete").first())
        assert whole
        assert (whole.grant.activation, whole.account) == (activation, "emergency1")
        text = recordings.path_of(whole).read_text()
        assert text.index("I am emergency1") < text.index("it was handed back")
        assert Event.objects.filter(verb="recording.finished", activation=activation).exists()
        world.work()
        review = PostIncidentReview.objects.get(activation=activation)
        review = post_incident_closing.rotate(actor=world.person("dora"), review=review)
        assert "holds nothing of it" in review.rotation_proof
        client.fleet.inside("/usr/local/sbin/jit-krl")
        assert run(client.ssh(made.text, "true", login="emergency1")).returncode == 255

    def test_a_sign_in_that_nobody_announced_opens_a_review(self, client: Client) -> None:
        """With a certificate that the portal never signed: somebody has the authority's key, or a sealed one."""
        world.apply_policy(ssh_rack.emergency_policy(client.fleet))
        unannounced = client.certificate(client.order(login="emergency1", role="rescue-ops"))
        assert run(client.ssh(unannounced, "id", "-un", login="emergency1")).stdout == "emergency1\n"
        seen = until(EmergencySignIn.objects.first)
        assert seen
        assert (seen.account.key, seen.login, seen.source, seen.address) == (
            "rescue-1",
            "emergency1",
            "ssh",
            "127.0.0.1",
        )
        assert seen.activation is None
        assert until(lambda: PostIncidentReview.objects.filter(sign_in=seen).exists())
        assert run(client.ssh(client.certificate(), "true")).returncode == 0  # nobody else's is told
        time.sleep(0.5)
        assert EmergencySignIn.objects.count() == 1

    @pytest.mark.proof
    def test_from_the_glass_to_a_shell_in_under_five_seconds(self, client: Client) -> None:
        world.apply_policy(ssh_rack.emergency_policy(client.fleet))
        begun = time.monotonic()
        activation = emergency_world.live("rita")
        grant = emergency_world.grant_of(activation)
        made = certifying.certify(actor=activation.person, grant=grant, public_key=client.public)
        with session(client.ssh(made.text, login="emergency1", options=("-tt",))) as opened:
            opened.wait_for("$ ")
            assert time.monotonic() - begun < 5

    def test_an_early_end_ends_the_session(self, client: Client) -> None:
        grant, certificate = ssh_rack.granted(client)
        with session(client.ssh(certificate, options=("-tt",))) as opened:
            opened.wait_for("$ ")
            until(Recording.objects.exists)
            grants.hand_back(actor=grant.person, grant=grant)
            opened.wait_for("This access was ended: it was handed back", seconds=8)
            opened.end()
        until(lambda: Recording.objects.filter(state="complete").exists())

    def test_a_wrapper_that_is_killed_takes_its_session_with_it_and_leaves_a_recording_without_an_end(
        self, client: Client
    ) -> None:
        _grant, certificate = ssh_rack.granted(client)
        word = f"marker{uuid4().hex[:8]}"
        with session(client.ssh(certificate, options=("-tt",))) as opened:
            opened.wait_for("$ ")
            opened.type(f"setsid sh -c 'sleep 300 # {word}' & echo last of all\n")
            opened.wait_for("last of all\r\n")
            until(lambda: alive(word))
            os.kill(wrapper_of(word), signal.SIGKILL)
            gone_within(word, 2)
            opened.end()
        cut = until(lambda: Recording.objects.exclude(state="receiving").first())
        assert cut
        assert (cut.state, cut.gaps) == ("truncated", [recordings.CUT_OFF])
        assert "last of all" in recordings.path_of(cut).read_text()
        until(lambda: not client.fleet.inside("ls", SPOOL))

    def test_what_could_not_be_delivered_is_delivered_later(
        self, client: Client, live_server: LiveServer, host: SshHost
    ) -> None:
        _grant, certificate = ssh_rack.granted(client)
        fleet = client.fleet
        token = fleet.inside("sed", "-n", "s/^token = //p", "/etc/jit-session.conf").strip()
        configure(fleet, NOWHERE, token, target="rack")
        assert run(client.ssh(certificate, "echo while it was down")).stdout == "while it was down\n"
        assert not Recording.objects.exists()
        fleet.inside(
            "sh",
            "-c",
            f"sed -i 's|{NOWHERE}|{live_server.url}|' /etc/jit-session.conf; pkill -f ^/usr/bin/python3.*jit-session; touch -d -1hour {SPOOL}/*.done",
        )
        fleet.inside("/usr/local/sbin/jit-krl")
        assert "while it was down" in recordings.path_of(Recording.objects.get(state="complete")).read_text()
        host.refresh_from_db()
        assert host.report["wrapper"] == WRAPPER_VERSION
        assert host.report["revocations"] == "yes"
        assert abs(host.skew_milliseconds or 9999) < 1000
