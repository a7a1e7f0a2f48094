"""What all of the portal's commands share: a refusal is a sentence with an exit status, no traceback."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import Any, NoReturn

from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, OperationalError, ProgrammingError

from jitportal.audit.context import AuditContext, bound, fresh_correlation_id
from jitportal.management.postgres_binaries import PrivatePostgresError
from jitportal.models import Person
from jitportal.operations.step_up import EnrolmentNeeded, StepUpNeeded
from jitportal.rules.errors import InvalidInput, JitportalError

REFUSED, MISUSED = 1, 2


class PortalCommand(BaseCommand, ABC):
    """A command whose ``run`` may raise the portal's own errors.

    Exit status: 0 done, 1 refused (the reasons are on standard error, one on each line), 2 misused.
    """

    #: Set by Django where the command was started from a shell.
    _called_from_command_line = False

    def handle(self, *_args: Any, **options: Any) -> str | None:
        try:
            with bound(AuditContext(correlation_id=fresh_correlation_id())):
                self.run(**options)
        except CommandError as error:
            self._fail(error, str(error), error.returncode)
        except JitportalError as error:
            self._fail(error, "\n".join(self.reasons(error, **options)), REFUSED)
        except (PrivatePostgresError, StepUpNeeded, EnrolmentNeeded) as error:
            self._fail(error, str(error), REFUSED)
        except (OperationalError, ProgrammingError) as error:
            self._fail(error, _about_the_database(error), REFUSED)
        return None

    @abstractmethod
    def run(self, **options: Any) -> None:
        """What the command does."""

    def reasons(self, error: JitportalError, **_options: Any) -> list[str]:
        """What to say of a refusal, as lines."""
        problems = error.problems if isinstance(error, InvalidInput) else [error]
        return [
            f"{problem.field}: {problem.sentence}" if problem.field else problem.sentence
            for problem in problems
        ]

    def say(self, line: str) -> None:
        self.stdout.write(line)

    def _fail(self, error: Exception, text: str, status: int) -> NoReturn:
        """End the process from a shell; raise ``CommandError`` for whoever called from code."""
        if self._called_from_command_line:
            self.stderr.write(text)
            sys.exit(status)
        raise CommandError(text, returncode=status) from error


def person_named(username: str) -> Person:
    """The person who acts; ``CommandError`` where there is none who may."""
    try:
        return Person.objects.active().get(username=username)
    except ObjectDoesNotExist:
        raise CommandError(
            f"There is no active person with the username {username}.", returncode=MISUSED
        ) from None


def _about_the_database(error: DatabaseError) -> str:
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "no such table" in said or "does not exist" in said:
        return f"The database isn't set up ({said}). Run: manage.py migrate"
    return f"The database can't be used: {said}. Look at JITPORTAL_DATABASE_URL and whether it runs."
