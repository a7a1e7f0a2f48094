"""What a rule or an operation says when it refuses: each error is a sentence for a person."""

from __future__ import annotations

from datetime import timedelta


class JitportalError(Exception):
    """A refusal. ``str(error)`` says what happened and what to do next.

    ``field`` names the form field that the refusal belongs to, where there is one.
    """

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field


class Invalid(JitportalError):
    """What was typed can't be accepted; the person can mend it."""


class InvalidInput(JitportalError):
    """Several things that were typed can't be accepted: one refusal for each.

    ``problems`` holds them all, so that a page shows them at once and not one after another.
    """

    def __init__(self, problems: list[Invalid]) -> None:
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = problems


class NotAllowed(JitportalError):
    """This person may not do this to this object."""


class Conflict(JitportalError):
    """Somebody or something was faster: the object has changed since it was read."""


class TooOften(JitportalError):
    """Too many in too short a time; ``wait`` is how long until the next is let through."""

    def __init__(self, sentence: str, *, wait: timedelta) -> None:
        super().__init__(sentence)
        self.wait = wait


class TransitionError(Conflict):
    """The state machine has no such step from the present state."""


class PolicyRefuses(JitportalError):
    """The policy in force doesn't let this through (not eligible, no approver, past a cap)."""


class TooLate(Conflict):
    """A deadline had passed when the decision was made."""


class OutsideError(JitportalError):
    """A target or another outside system could not do what was asked.

    ``permanent`` says whether trying again without a change by a person is pointless.
    """

    def __init__(self, sentence: str, *, permanent: bool = False) -> None:
        super().__init__(sentence)
        self.permanent = permanent
