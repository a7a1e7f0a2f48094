"""The one Django app."""

from __future__ import annotations

from django.apps import AppConfig


class JitportalConfig(AppConfig):
    name = "jitportal"
    verbose_name = "jitportal"

    def ready(self) -> None:
        from jitportal import private_files
        from jitportal.audit import registration, search
        from jitportal.web import deploy_checks, signals

        registration.register()
        search.connect()
        private_files.connect()
        signals.connect()
        deploy_checks.connect()
