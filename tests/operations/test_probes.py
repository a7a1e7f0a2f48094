"""Probes of the criteria against a real HTTP server: well, failing, silent, lying, and back again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.conf import LazySettings

from jitportal.models import Criterion, ProbeResult
from jitportal.operations import clock, emergencies, probes
from jitportal.rules.vocabulary import ProbeSays
from tests.operations import emergency_world as house
from tests.operations import world
from tests.provider.running import provider_running


class Service:
    """Answers by path: a status and what JSON holds; None: it is silent until it is closed."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object] | None] = {}
        self.asked: list[tuple[str, str]] = []
        self.closing = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append((self.path, self.headers.get("authorization", "")))
                answer = service.answers.get(self.path, (404, {}))
                if answer is None:
                    service.closing.wait(10)
                    return
                body = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def unprobed(db: None, settings: LazySettings) -> Iterator[Service]:
    settings.WEBHOOKS = house.SIEM
    settings.OUTGOING_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    service = Service()
    yield service
    service.close()


@pytest.fixture
def service(unprobed: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("JITPORTAL_TARGET_INCIDENTS", "hunter2")
    service = unprobed
    probe = f"probe: {{kind: http, url: '{service.url}/health', failures: 2, every_seconds: 10}}"
    incident = (
        f"probe: {{kind: incident, url: '{service.url}/incidents/{{incident}}', "
        "token_secret: JITPORTAL_TARGET_INCIDENTS, match: {severity: [critical, sev1], state.name: open}}"
    )
    world.settle(
        world.changed(
            ("evidence: A picture.}", f"evidence: A picture., {probe}}}"),
            ("storm: {name: Storm}", f"storm: {{name: Storm, {incident}}}"),
            text=house.POLICY,
        )
    )
    return service


def outage() -> Criterion:
    return Criterion.objects.get(key="outage")


def storm() -> Criterion:
    return Criterion.objects.get(key="storm")


def said() -> ProbeSays:
    return probes.says(outage(), clock.now()).says


def test_it_disagrees_while_the_service_answers_and_agrees_after_enough_failures(service: Service) -> None:
    assert [one.key for one in probes.due(clock.now())] == ["outage"]
    assert said() == ProbeSays.UNKNOWN
    service.answers["/health"] = (200, {})
    probes.look(outage())
    assert said() == ProbeSays.DISAGREES
    assert probes.due(clock.now()) == []
    service.answers["/health"] = (503, {})
    with world.later(seconds=11):
        assert probes.due(clock.now()) == [outage()]
        probes.look(outage())
        assert said() == ProbeSays.DISAGREES, "one failure says nothing new"
    with world.later(seconds=22):
        probes.look(outage())
        assert said() == ProbeSays.AGREES
        assert probes.says(outage(), clock.now()).detail == "The service answers 503 instead of 200."
    service.answers["/health"] = (200, {})
    with world.later(seconds=33):
        probes.look(outage())
        assert said() == ProbeSays.DISAGREES
    assert list(ProbeResult.objects.order_by("pk").values_list("says", flat=True)) == [
        "disagrees",
        "agrees",
        "disagrees",
    ]


@pytest.mark.parametrize(
    ("answers", "said_of_it"),
    [
        ({"/health": (200, {"issuer": "x"})}, "lacks authorization_endpoint and token_endpoint and jwks_uri"),
        ({"/keys": (200, {"keys": []})}, "publishes no keys"),
        ({"/keys": (500, {})}, "keys' address answers 500"),
    ],
    ids=["another document", "no keys", "failing keys"],
)
def test_a_provider_that_only_half_works_is_out(
    unprobed: Service, answers: dict[str, tuple[int, object]], said_of_it: str
) -> None:
    probed_as_openid(f"{unprobed.url}/health")
    at = {name: f"{unprobed.url}/{name}" for name in ("issuer", "authorization_endpoint", "token_endpoint")}
    unprobed.answers["/health"] = (200, {**at, "jwks_uri": f"{unprobed.url}/keys"})
    unprobed.answers["/keys"] = (200, {"keys": [{"kty": "RSA"}]})
    probes.look(outage())
    assert said() == ProbeSays.DISAGREES
    unprobed.answers.update(answers)
    for _ in range(2):
        probes.look(outage())
    assert said() == ProbeSays.AGREES
    assert said_of_it in probes.says(outage(), clock.now()).detail


def test_a_real_identity_provider_is_up_until_it_is_killed(
    db: None, settings: LazySettings, tmp_path: Path
) -> None:
    settings.OUTGOING_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    settings.WEBHOOKS = house.SIEM
    with provider_running(tmp_path, "http://127.0.0.1:8000/sign-in/provider/callback/") as provider:
        probed_as_openid(f"{provider.issuer}/.well-known/openid-configuration")
        probes.look(outage())
        assert said() == ProbeSays.DISAGREES
    probes.look(outage())
    assert said() == ProbeSays.DISAGREES, "one failure says nothing new"
    probes.look(outage())
    assert said() == ProbeSays.AGREES


def probed_as_openid(url: str) -> None:
    probe = f"probe: {{kind: openid, url: '{url}', failures: 2, every_seconds: 10}}"
    world.settle(
        world.changed(("evidence: A picture.}", f"evidence: A picture., {probe}}}"), text=house.POLICY)
    )


def test_what_was_seen_long_ago_says_nothing(service: Service) -> None:
    service.answers["/health"] = (200, {})
    probes.look(outage())
    with world.later(minutes=2):
        assert said() == ProbeSays.UNKNOWN


def test_where_the_portal_may_not_call_it_doesn_t_know(service: Service, settings: LazySettings) -> None:
    settings.OUTGOING_ALLOWED_NETWORKS = []
    for _ in range(3):
        probes.look(outage())
    assert said() == ProbeSays.UNKNOWN
    assert "The portal can't look" in probes.says(outage(), clock.now()).detail
    assert service.asked == []


def test_a_silent_service_holds_nothing_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "LOOK_SECONDS", 0.3)
    service.answers["/health"] = None
    for _ in range(2):
        probes.look(outage())
    assert said() == ProbeSays.AGREES


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, {"severity": "SEV1", "state": {"name": "open"}}), ProbeSays.AGREES),
        ((200, {"severity": "minor", "state": {"name": "open"}}), ProbeSays.DISAGREES),
        ((200, {"severity": "sev1", "state": "open"}), ProbeSays.DISAGREES),
        ((200, ["no", "object"]), ProbeSays.DISAGREES),
        ((404, {}), ProbeSays.DISAGREES),
        ((500, {}), ProbeSays.UNKNOWN),
    ],
)
def test_an_incident_is_looked_up_when_it_is_claimed(
    service: Service, answer: tuple[int, object], says: ProbeSays
) -> None:
    service.answers["/incidents/INC%2F7"] = answer
    found = probes.says_to_claim(storm(), " INC/7 ")
    assert found.says == says
    assert service.asked == [("/incidents/INC%2F7", "Bearer hunter2")]
    assert "hunter2" not in found.detail


def test_claiming_against_a_probe_is_let_through_and_alerts_louder(service: Service) -> None:
    service.answers["/health"] = (200, {})
    probes.look(outage())
    activation = house.activate()
    assert activation.probe_said == ProbeSays.DISAGREES
    causes = dict(activation.alerts.values_list("person__username", "cause"))
    assert causes["dora"] in {"would_decide", "custodian"}
    assert {"custodian", "administrator"} & set(causes.values()) or "dina" in causes
    subjects = set(activation.notices.filter(kind="emergency.opened").values_list("subject", flat=True))
    assert subjects == {"Emergency access AGAINST ITS PROBE: Rita uses Rescue one"}


def test_an_incident_that_can_not_be_looked_up_keeps_nobody_waiting(service: Service) -> None:
    service.close()
    activation = emergencies.activate(actor=world.person("rita"), claim=house.claim(criterion="storm"))
    assert activation.probe_said == ProbeSays.UNKNOWN
    assert "could not be looked up" in activation.probe_detail
