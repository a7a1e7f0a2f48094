"""The matrix's rows of the frame, of asking for access and having it, and of oneself."""

from __future__ import annotations

from datetime import timedelta

from jitportal.models import Delegation
from jitportal.operations import clock
from jitportal.operations.notice_choices import CHOSEN
from jitportal.web.views.recordings import token_for
from tests.web.kinds import KINDS, REQUEST_SEEN, SIGNED_IN, Route, everybody, pending
from tests.web.world import World


def _held(world: World) -> dict[str, object]:
    return {"pk": world.things["rita"].held.pk}


def _ready(world: World) -> dict[str, object]:
    return {"pk": world.things["rita"].ready.pk}


def _recording(world: World) -> dict[str, object]:
    return {"pk": world.recording}


def _viewing(world: World) -> dict[str, object]:
    """Rita's own viewing of it."""
    return {"pk": world.recording, "token": token_for(world["rita"], world.recording)}


def _fleet(_world: World) -> dict[str, object]:
    """No target of this world is a fleet."""
    return {"key": "fleet"}


def _asked(_world: World) -> dict[str, str]:
    return {
        "scope": "all",
        "minutes_number": "20",
        "minutes_unit": "minutes",
        "start_mode": "at_once",
        "justification": "There is work to do.",
    }


def _asked_of(role: str, *, scope: str = "all") -> dict[str, str]:
    said = {"scope": scope, "minutes_number": "20", "minutes_unit": "minutes"}
    return {"role": role, **{f"{role}-{name}": value for name, value in said.items()}}


def _delegated(_world: World) -> dict[str, str]:
    until = clock.now() + timedelta(days=1)
    return {"to": "sera", "ends_at": f"{until:%Y-%m-%dT%H:%M}", "reason": "On leave."}


_NOT_RITA = ",".join(kind for kind in SIGNED_IN if kind != "requester")
_REQUEST_OTHERS = "manager,decider,role owner,auditor,operator,administrator"
_GRANT_SEEN = "requester,manager,role owner,auditor,operator,administrator"
_GRANT_OTHERS = "manager,role owner,auditor,operator,administrator"
_RECORDING_SEEN = "requester,manager,role owner,auditor"
_NOTICES = {
    f"{topic}-{what}": said for topic in CHOSEN for what, said in (("mail", "on"), ("pace", "hourly"))
}

ACCESS: dict[str, Route] = {
    # the frame
    "sign_in": Route(
        get={200: "anonymous,deactivated", 302: ",".join(SIGNED_IN)},
        post={422: "anonymous,deactivated", 302: ",".join(SIGNED_IN)},
        public=True,
    ),
    # 404 where there is no single sign-on, as here
    "sign_in_provider": Route(get={404: ",".join(KINDS)}, post={405: ",".join(KINDS)}, public=True),
    "sign_in_callback": Route(get={404: ",".join(KINDS)}, post={405: ",".join(KINDS)}, public=True),
    "sign_in_emergency": Route(get={404: ",".join(KINDS)}, post={404: ",".join(KINDS)}, public=True),
    # nobody in this world stands between a password and a second factor: all are led to the beginning
    "sign_in_factor": Route(get={302: ",".join(KINDS)}, post={302: ",".join(KINDS)}, public=True),
    "sign_out": Route(post=everybody(302)),
    "palette": Route(get=everybody()),
    "components": Route(get={}),  # for developers, where the demo or DEBUG is on: 404 elsewhere
    "healthz": Route(get={200: ",".join(KINDS)}, public=True),
    "readyz": Route(get={503: ",".join(KINDS)}, public=True),  # no worker runs in this test
    # machines: with a token of their own, which no person has
    "ssh_revoked_list": Route(_fleet, get={404: ",".join(KINDS)}, public=True),
    "ssh_authority_key": Route(_fleet, get={404: ",".join(KINDS)}, public=True),
    "host_report": Route(post={401: ",".join(KINDS)}, public=True),
    "host_recordings": Route(post={401: ",".join(KINDS)}, public=True),
    "host_recording": Route(lambda _world: {"pk": 1}, get={401: ",".join(KINDS)}, public=True),
    # asking
    "my_access": Route(get=everybody()),
    "history": Route(get=everybody()),
    "calendar": Route(get=everybody()),
    "request_start": Route(get=everybody()),
    "request_temporary": Route(
        lambda _world: {"role_key": "cabinet"},
        get=everybody(),
        post={409: "requester,peer"},
        otherwise=422,
        data=_asked,
    ),
    "request_jit": Route(
        lambda _world: {"role_key": "door"},
        get=everybody(),
        post={422: "requester,peer"},
        otherwise=422,
        data=_asked,
    ),
    "request_several": Route(get=everybody()),
    "request_several_temporary": Route(  # the role is named with what is sent
        get=everybody(404),
        post={409: "requester,peer"},
        otherwise=422,
        data=lambda world: {**_asked(world), **_asked_of("cabinet")},
    ),
    "request_several_jit": Route(
        get=everybody(404),
        post={302: "requester,peer"},
        otherwise=422,
        data=lambda world: {**_asked(world), **_asked_of("cage", scope="right")},
    ),
    "request_detail": Route(pending, get={200: REQUEST_SEEN}),
    "request_edit": Route(
        pending,
        get={200: "requester", 403: _REQUEST_OTHERS},
        post={302: "requester", 403: _REQUEST_OTHERS},
        data=lambda world: {**_asked(world), "revision": "1"},
    ),
    "request_withdraw": Route(
        pending, get={200: "requester", 403: _REQUEST_OTHERS}, post={302: "requester", 403: _REQUEST_OTHERS}
    ),
    "request_clone": Route(
        pending,
        get={200: "requester", 403: _REQUEST_OTHERS},
        post={409: "requester", 403: _REQUEST_OTHERS},
        data=_asked,
    ),
    # holding
    "grant_detail": Route(_held, get={200: _GRANT_SEEN}),
    "grant_start": Route(
        _ready, get={200: "requester", 403: _GRANT_OTHERS}, post={302: "requester", 403: _GRANT_OTHERS}
    ),
    "grant_hand_back": Route(
        _held, get={200: "requester", 403: _GRANT_OTHERS}, post={302: "requester", 403: _GRANT_OTHERS}
    ),
    "grant_revoke": Route(
        _held,
        get={200: "manager,role owner,administrator", 403: "requester,auditor,operator"},
        post={302: "manager,role owner,administrator", 403: "requester,auditor,operator"},
        data=lambda _world: {"reason": "It isn't needed any more."},
    ),
    # each is offered what is theirs to revoke, and can choose nothing else
    "revoke_of_person": Route(
        lambda _world: {"username": "rita"},
        get={200: "manager,role owner,administrator"},
        post={422: "manager,role owner,administrator"},
        data=lambda _world: {"reason": "It isn't needed any more."},
    ),
    "revoke_of_role": Route(
        lambda _world: {"key": "cage"},
        get={200: "manager,role owner,administrator"},
        post={422: "manager,role owner,administrator"},
        data=lambda _world: {"reason": "It isn't needed any more."},
    ),
    "grant_renew": Route(
        _held,
        get={200: "requester", 403: _GRANT_OTHERS},
        post={302: "requester", 403: _GRANT_OTHERS},
        data=_asked,
    ),
    "grant_reveal": Route(
        _held, get={200: "requester", 403: _GRANT_OTHERS}, post={409: "requester", 403: _GRANT_OTHERS}
    ),
    # no certificates for a door
    "grant_certificate": Route(
        _held, get={404: "requester", 403: _GRANT_OTHERS}, post={404: "requester", 403: _GRANT_OTHERS}
    ),
    "grant_certificate_file": Route(
        lambda world: {"pk": world.things["rita"].held.pk, "number": 1},
        get={404: "requester", 403: _GRANT_OTHERS},
    ),
    "recording_detail": Route(_recording, get={200: _RECORDING_SEEN}),
    "recording_watch": Route(_recording, post={302: _RECORDING_SEEN}),
    # a viewing's address is one person's: whoever else may see the recording looks at it themselves
    "recording_play": Route(_viewing, get={200: "requester"}, plays=True),
    "recording_cast": Route(_viewing, get={200: "requester"}),
    "recording_file": Route(_viewing, get={200: "requester"}),
    "reviews": Route(get=everybody()),
    "review_detail": Route(
        lambda world: {"pk": world.things["rita"].review.pk},
        get={200: "requester,manager,role owner,auditor,administrator"},
        post={302: "manager,role owner,administrator", 403: "requester,auditor"},
        data=lambda _world: {"act": "determine", "determine-determination": "All as declared."},
    ),
    # oneself
    "you": Route(get=everybody(), post=everybody(302), data=lambda _world: {"time_zone": "Europe/Berlin"}),
    "you_delegation": Route(
        get=everybody(),
        post={302: _NOT_RITA, 409: "requester"},  # she has delegated already
        data=_delegated,
    ),
    "you_keys": Route(get=everybody(), post=everybody(422), data=lambda _world: {"public_key": "no key"}),
    "you_key_remove": Route(lambda world: {"pk": world.key}, post={302: "requester"}),
    "delegation_end": Route(
        lambda _world: {"pk": Delegation.objects.get().pk},
        post={302: "requester,stranger,administrator"},
    ),
    "standing_power_remove": Route(lambda _world: {"pk": 0}, get={}, post={}),  # nobody holds one here
    "you_factors": Route(get=everybody()),
    "people_factors": Route(get={200: "auditor,administrator"}, otherwise=403),
    "factors_reset": Route(
        lambda _world: {"username": "kai"},
        get={200: "auditor,administrator"},
        post={409: "administrator"},  # he has none
        otherwise=403,
        data=lambda _world: {"reason": "He lost his phone."},
    ),
    "you_factor_codes": Route(get=everybody(), post=everybody(422)),
    "you_factor_passkey": Route(get=everybody(), post=everybody(422)),
    "you_recovery_codes": Route(post=everybody(409)),  # nobody has a second factor to recover
    "factor_remove": Route(lambda _world: {"pk": 1}, post=everybody(409)),
    "you_step_up": Route(
        get=everybody(302), post=everybody(302)
    ),  # nothing waits there, without single sign-on
    "you_sessions": Route(get=everybody()),
    "session_end": Route(lambda _world: {"pk": 0}, post={}),  # each finds their own alone
    "sessions_end_others": Route(post=everybody(302)),
    "notices": Route(get=everybody(), post=everybody(302), data=lambda _world: _NOTICES),
}
