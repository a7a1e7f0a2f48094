"""The pages' addresses. GET never changes anything; what changes something is a form that posts."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, path

from jitportal.web.admin_models import site
from jitportal.web.views import record, sign_in

# the frame
frame: list[URLPattern] = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign_out"),
]

#: Only where the demo runs: elsewhere the address doesn't exist.
demo: list[URLPattern] = [path("demo/become/", sign_in.become, name="demo_become")]

# who asks for access and holds it
engineer: list[URLPattern] = []

# who approves, operates, changes policy and audits
oversight: list[URLPattern | URLResolver] = [
    path("record/", record.record, name="record"),
    path("record/<int:pk>/", record.event_detail, name="event_detail"),
    path("admin/", site.urls),
]

urlpatterns = [*frame, *(demo if settings.DEMO else []), *engineer, *oversight]
