"""What a post-incident review asks, and the answers that it takes. The values are what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Classification(StrEnum):
    """What the use was."""

    DRILL = "drill"
    EMERGENCY = "emergency"
    MISUSE = "misuse"


class CriterionMet(StrEnum):
    """Whether the criterion that was claimed held."""

    YES = "yes"
    NO = "no"
    CANNOT_VERIFY = "cannot_verify"


class Fit(StrEnum):
    """Whether scope and duration were right."""

    RIGHT = "right"
    TOO_BROAD = "too_broad"
    TOO_NARROW = "too_narrow"


class CouldJit(StrEnum):
    """Whether JIT could have served."""

    YES = "yes"
    YES_WITH_A_CHANGE = "yes_with_a_change"
    NO = "no"


class RecordingFound(StrEnum):
    """What the reviewer says of the recording."""

    COMPLETE = "complete"
    GAP_ACCEPTED = "gap_accepted"
    GAP_ESCALATED = "gap_escalated"


class PersonOutcome(StrEnum):
    """What follows for the responder."""

    NONE = "none"
    TRAINING = "training"
    REMOVED = "removed"


class ModelOutcome(StrEnum):
    """What follows for how access is modelled."""

    NONE = "none"
    NEW_JIT_ROLE = "new_jit_role"
    WIDER_BASELINE = "wider_baseline"
    MENDED_RUNBOOK = "mended_runbook"
    STURDIER_PROVIDER = "sturdier_provider"


class Step(StrEnum):
    """The parts that people fill in; section A is the system's."""

    STATEMENT = "statement"
    DETERMINATION = "determination"
    REMEDIATION = "remediation"
    SIGN_OFF = "sign_off"
    DRILL = "drill"


#: By the enum first: "yes" answers two questions, in different words.
_SPOKEN: dict[type[StrEnum], dict[StrEnum, str]] = {
    Classification: {
        Classification.DRILL: "A drill",
        Classification.EMERGENCY: "An actual emergency",
        Classification.MISUSE: "Misuse",
    },
    CriterionMet: {
        CriterionMet.YES: "Yes",
        CriterionMet.NO: "No",
        CriterionMet.CANNOT_VERIFY: "Can't be verified",
    },
    Fit: {
        Fit.RIGHT: "Right",
        Fit.TOO_BROAD: "Too broad or too long",
        Fit.TOO_NARROW: "Too narrow or too short",
    },
    CouldJit: {
        CouldJit.YES: "Yes, JIT would have done",
        CouldJit.YES_WITH_A_CHANGE: "Yes, with a change",
        CouldJit.NO: "No",
    },
    RecordingFound: {
        RecordingFound.COMPLETE: "Complete",
        RecordingFound.GAP_ACCEPTED: "Has a gap, accepted for a reason",
        RecordingFound.GAP_ESCALATED: "Has a gap, escalated",
    },
    PersonOutcome: {
        PersonOutcome.NONE: "Nothing",
        PersonOutcome.TRAINING: "Training",
        PersonOutcome.REMOVED: "Removed from the population",
    },
    ModelOutcome: {
        ModelOutcome.NONE: "Nothing",
        ModelOutcome.NEW_JIT_ROLE: "A new JIT role",
        ModelOutcome.WIDER_BASELINE: "A wider baseline",
        ModelOutcome.MENDED_RUNBOOK: "A mended runbook",
        ModelOutcome.STURDIER_PROVIDER: "A sturdier identity provider",
    },
}


def spoken(answer: StrEnum) -> str:
    """The answer as people say it."""
    return _SPOKEN[type(answer)][answer]


@dataclass(frozen=True, slots=True)
class Statement:
    """Section B, the responder's."""

    broken: str = ""
    normal_path: str = ""
    done: str = ""
    outside: str = ""
    sensitive_data: str = ""
    changes_left: str = ""
    changes_to_revert: str = ""
    secrets_seen: str = ""


@dataclass(frozen=True, slots=True)
class Determination:
    """Section C, the reviewer's."""

    classification: Classification | None = None
    criterion: CriterionMet | None = None
    fit: Fit | None = None
    could_jit: CouldJit | None = None
    recording: RecordingFound | None = None
    recording_reason: str = ""
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Remediation:
    """Section D; ``rotated_at`` is the proof's, never typed here."""

    rotated_at: datetime | None = None
    sessions_ended: str = ""
    reverted: str = ""
    person_outcome: PersonOutcome | None = None
    model_outcome: ModelOutcome | None = None
    outcome_note: str = ""
    reportable: bool | None = None
    reportable_note: str = ""
    follow_ups: int = 0


@dataclass(frozen=True, slots=True)
class DrillResult:
    """What a drill adds."""

    scenario: str = ""
    custody_checked: bool = False
    alert_seconds: float | None = None
    resealed: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the system knows that the answers are held against."""

    drill: bool
    ended: bool  # access has ended
    unmarked: int = 0  # lines of the action log that nobody has marked yet
    gaps: int = 0  # in the recordings
    recordings: int = 0


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that a step still needs; ``field`` names the form's field."""

    step: Step
    field: str
    sentence: str
