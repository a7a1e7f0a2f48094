"""The pages' addresses. GET never changes anything; what changes something is a form that posts."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, path

from jitportal.web.admin_models import site
from jitportal.web.views import (
    access,
    calendar,
    certificates,
    components,
    decisions,
    emergencies,
    emergency_desk,
    evidence,
    factors,
    figures,
    grants,
    health,
    hosts,
    in_force,
    incident_register,
    incidents,
    notices,
    overview,
    palette,
    people_factors,
    policy,
    policy_changes,
    policy_editor,
    problems,
    queue,
    record,
    recordings,
    renewals,
    requests,
    reviews,
    revoking,
    roles,
    sessions,
    several,
    sign_in,
    sign_ins,
    sign_on,
    ssh_keys,
    start,
    targets,
    tasks,
    verdicts,
    you,
)

# the frame
frame: list[URLPattern] = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-in/provider/", sign_on.start, name="sign_in_provider"),
    path("sign-in/provider/callback/", sign_on.callback, name="sign_in_callback"),
    path("sign-in/emergency/", sign_in.EmergencySignIn.as_view(), name="sign_in_emergency"),
    path("sign-in/second-factor/", sign_in.factor, name="sign_in_factor"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign_out"),
    path("go/", palette.palette, name="palette"),
    path("components/", components.components, name="components"),  # 404 in production
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

# for machines: what hosts fetch and deliver
machines: list[URLPattern] = [
    path("ssh/<slug:key>/revoked.krl", hosts.revoked_list, name="ssh_revoked_list"),
    path("ssh/<slug:key>/authority.pub", hosts.authority_key, name="ssh_authority_key"),
    path("hosts/report/", hosts.host_report, name="host_report"),
    path("hosts/recordings/", hosts.host_recordings, name="host_recordings"),
    path("hosts/recordings/<int:pk>/", hosts.host_recording, name="host_recording"),
]

# after an emergency
aftermath: list[URLPattern] = [
    path("emergency/reviews/", incidents.incident_reviews, name="incident_reviews"),
    path("emergency/reviews/<int:pk>/", incidents.incident_review, name="incident_review"),
    path("emergency/reviews/<int:pk>/draft/", incidents.incident_draft, name="incident_draft"),
    path("emergency/reviews/<int:pk>/log/", incidents.incident_log, name="incident_log"),
    path("emergency/reviews/<int:pk>/evidence/", evidence.incident_evidence, name="incident_evidence"),
    path("emergency/register/", incident_register.incident_register, name="incident_register"),
    path(
        "emergency/register/export/",
        incident_register.incident_register_export,
        name="incident_register_export",
    ),
    path("emergency/follow-ups/", incident_register.follow_ups, name="follow_ups"),
    path("emergency/follow-ups/<int:pk>/", incident_register.follow_up_complete, name="follow_up_complete"),
    path("emergency/sign-ins/", sign_ins.report_sign_in, name="report_sign_in"),  # for machines
    path("evidence/key.pem", evidence.evidence_key, name="evidence_key"),
    path("evidence/verify.py", evidence.evidence_program, name="evidence_program"),
]

#: Only where the demo runs: elsewhere the address doesn't exist.
demo: list[URLPattern] = [path("demo/become/", sign_in.become, name="demo_become")]

# who asks for access and holds it
engineer: list[URLPattern] = [
    path("", access.my_access, name="my_access"),
    path("history/", access.history, name="history"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("request/", start.find, name="request_start"),
    path("request/temporary/<slug:role_key>/", start.temporary, name="request_temporary"),
    path("request/jit/<slug:role_key>/", start.jit, name="request_jit"),
    path("request/several/", several.choose, name="request_several"),
    path("request/several/temporary/", several.temporary, name="request_several_temporary"),
    path("request/several/jit/", several.jit, name="request_several_jit"),
    path("requests/<int:pk>/", requests.detail, name="request_detail"),
    path("requests/<int:pk>/edit/", requests.edit, name="request_edit"),
    path("requests/<int:pk>/withdraw/", requests.withdraw, name="request_withdraw"),
    path("requests/<int:pk>/clone/", requests.clone, name="request_clone"),
    path("grants/", in_force.grants, name="grants"),
    path("grants/<int:pk>/", grants.detail, name="grant_detail"),
    path("grants/<int:pk>/start/", grants.start, name="grant_start"),
    path("grants/<int:pk>/hand-back/", grants.hand_back, name="grant_hand_back"),
    path("grants/<int:pk>/revoke/", grants.revoke, name="grant_revoke"),
    path("grants/of-person/<str:username>/revoke/", revoking.of_person, name="revoke_of_person"),
    path("grants/of-role/<slug:key>/revoke/", revoking.of_role, name="revoke_of_role"),
    path("grants/<int:pk>/renew/", renewals.renew, name="grant_renew"),
    path("grants/<int:pk>/reveal/", grants.reveal, name="grant_reveal"),
    path("grants/<int:pk>/certificate/", certificates.certificate, name="grant_certificate"),
    path(
        "grants/<int:pk>/certificate/<int:number>/",
        certificates.certificate_file,
        name="grant_certificate_file",
    ),
    path("recordings/<int:pk>/", recordings.detail, name="recording_detail"),
    path("recordings/<int:pk>/watch/", recordings.watch, name="recording_watch"),
    path("recordings/<int:pk>/watch/<str:token>/", recordings.play, name="recording_play"),
    path("recordings/<int:pk>/watch/<str:token>/cast", recordings.cast, name="recording_cast"),
    path("recordings/<int:pk>/watch/<str:token>/file", recordings.whole_file, name="recording_file"),
    path("reviews/", reviews.index, name="reviews"),
    path("reviews/<int:pk>/", reviews.detail, name="review_detail"),
    path("you/", you.you, name="you"),
    path("you/delegation/", you.delegation, name="you_delegation"),
    path("you/powers/<int:pk>/remove/", you.standing_power_remove, name="standing_power_remove"),
    path("you/keys/", ssh_keys.keys, name="you_keys"),
    path("you/keys/<int:pk>/remove/", ssh_keys.key_remove, name="you_key_remove"),
    path("you/factors/", factors.you_factors, name="you_factors"),
    path("you/factors/codes/", factors.you_factor_codes, name="you_factor_codes"),
    path("you/factors/passkey/", factors.you_factor_passkey, name="you_factor_passkey"),
    path("you/factors/recovery-codes/", factors.you_recovery_codes, name="you_recovery_codes"),
    path("you/factors/<int:pk>/remove/", factors.factor_remove, name="factor_remove"),
    path("people/factors/", people_factors.people_factors, name="people_factors"),
    path("people/<str:username>/factors/reset/", people_factors.factors_reset, name="factors_reset"),
    path("you/step-up/", factors.you_step_up, name="you_step_up"),
    path("you/sessions/", sessions.you_sessions, name="you_sessions"),
    path("you/sessions/others/end/", sessions.sessions_end_others, name="sessions_end_others"),
    path("you/sessions/<int:pk>/end/", sessions.session_end, name="session_end"),
    path("delegations/<int:pk>/end/", you.delegation_end, name="delegation_end"),
    path("notices/", notices.notices, name="notices"),
]

# who approves, operates, changes policy and audits
oversight: list[URLPattern | URLResolver] = [
    path("queue/", queue.queue, name="queue"),
    path("queue/verdicts/", verdicts.queue_verdicts, name="queue_verdicts"),
    path("queue/submissions/<int:pk>/", verdicts.submission_detail, name="submission_detail"),
    path("queue/decisions/", figures.my_decisions, name="my_decisions"),
    path("requests/<int:pk>/approve/", decisions.decide_approve, name="decide_approve"),
    path("requests/<int:pk>/deny/", decisions.decide_deny, name="decide_deny"),
    path("requests/<int:pk>/send-back/", decisions.decide_send_back, name="decide_send_back"),
    path("requests/<int:pk>/news/", decisions.decision_news, name="decision_news"),
    path("problems/", problems.problems, name="problems"),
    path("leases/<int:pk>/retry/", problems.lease_retry, name="lease_retry"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/<int:pk>/", tasks.task_confirm, name="task_confirm"),
    path("roles/", roles.roles, name="roles"),
    path("roles/<slug:key>/", roles.role_detail, name="role_detail"),
    path("targets/", targets.targets, name="targets"),
    path("targets/<slug:key>/", targets.target_detail, name="target_detail"),
    path("targets/<slug:key>/check/", targets.target_check, name="target_check"),
    path("policy/", policy.policy, name="policy"),
    path("policy/propose/", policy_editor.policy_propose, name="policy_propose"),
    path("policy/roles/new/", policy_changes.policy_new_role, name="policy_new_role"),
    path("policy/roles/<slug:key>/eligible/", policy_changes.policy_eligible, name="policy_eligible"),
    path("policy/roles/<slug:key>/caps/", policy_changes.policy_caps, name="policy_caps"),
    path("policy/changes/", policy_changes.policy_change, name="policy_change"),
    path("policy/difference/", policy_editor.policy_difference, name="policy_difference"),
    path("policy/<int:number>/", policy.policy_version, name="policy_version"),
    path("policy/<int:number>/approve/", policy.policy_approve, name="policy_approve"),
    path("policy/<int:number>/reject/", policy.policy_reject, name="policy_reject"),
    path("policy/<int:number>/apply/", policy.policy_apply, name="policy_apply"),
    path("overview/", overview.overview, name="overview"),
    path("record/", record.record, name="record"),
    path("record/export/", record.record_export, name="record_export"),
    path("record/<int:pk>/", record.event_detail, name="event_detail"),
    path("admin/", site.urls),
]

# break-glass, apart from everything else
emergency: list[URLPattern] = [
    path("emergency/", emergency_desk.desk, name="emergency"),
    path("emergency/decide/", emergency_desk.decide, name="emergency_decide"),
    path("emergency/activate/", emergencies.activate, name="emergency_activate"),
    path("emergency/accounts/<slug:key>/", emergency_desk.account, name="emergency_account"),
    path("emergency/criteria/<slug:key>/", emergency_desk.criterion, name="emergency_criterion"),
    path("emergency/activations/<int:pk>/", emergencies.detail, name="activation_detail"),
    path(
        "emergency/activations/<int:pk>/acknowledge/",
        emergencies.acknowledge,
        name="activation_acknowledge",
    ),
    path("emergency/activations/<int:pk>/end/", emergencies.end, name="activation_end"),
    path("emergency/activations/<int:pk>/hand-back/", emergencies.hand_back, name="activation_hand_back"),
    path("emergency/activations/<int:pk>/extend/", emergencies.extend, name="activation_extend"),
]

urlpatterns = [
    *frame,
    *machines,
    *(demo if settings.DEMO else []),
    *engineer,
    *oversight,
    *aftermath,
    *emergency,
]
