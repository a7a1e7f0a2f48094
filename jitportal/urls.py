"""Every address of the portal."""

from django.urls import include, path

urlpatterns = [path("", include("jitportal.web.urls"))]
