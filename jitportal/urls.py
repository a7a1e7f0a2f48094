"""Every address of the portal, and the pages that stand in where there is none."""

from django.urls import include, path

urlpatterns = [path("", include("jitportal.web.urls"))]

handler400 = "jitportal.web.views.errors.bad_request"
handler403 = "jitportal.web.views.errors.forbidden"
handler404 = "jitportal.web.views.errors.not_found"
handler500 = "jitportal.web.views.errors.broken"
