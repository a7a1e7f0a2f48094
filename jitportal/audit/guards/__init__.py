"""The guards: triggers that refuse, on SQLite and PostgreSQL, what no path may do.

They stand behind the operations and the models' constraints, for the day when a bug or another
program goes around both. In production the running portal's role owns nothing, so it can't drop them.
"""

from jitportal.audit.guards.installing import connect, install, lifted, problems

__all__ = ["connect", "install", "lifted", "problems"]
