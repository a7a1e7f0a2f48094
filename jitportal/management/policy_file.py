"""Reading a policy document for the command line, and saying what is wrong with it, with its place."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import CommandError

from jitportal.management.command import MISUSED
from jitportal.rules.errors import Invalid
from jitportal.rules.policy_document import LineProblem, PolicyDocument, PolicyDocumentError

STANDARD_INPUT = "-"


def read(file: str) -> str:
    """The text of the file; ``-`` is standard input. ``CommandError`` (status 2) where it can't be read."""
    try:
        data = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} can't be read: {error.strerror}.", returncode=MISUSED) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Invalid(f"{shown(file)}:{line}: This isn't UTF-8 text. Save the document as UTF-8.") from error


def shown(file: str) -> str:
    """The file as errors name it."""
    return "standard input" if file == STANDARD_INPUT else file


def located(problem: LineProblem, file: str) -> str:
    """``policy.yaml:12:7: roles.reader.risk: …``: as editors and other tools understand it."""
    where = f"{shown(file)}:{problem.line}:{problem.column}"
    return f"{where}: {problem.path}: {problem.sentence}" if problem.path else f"{where}: {problem.sentence}"


def problem_lines(error: PolicyDocumentError, file: str) -> list[str]:
    """Everything wrong with the document, a line for each."""
    return [located(problem, file) for problem in error.problems]


def summary(document: PolicyDocument, file: str) -> list[str]:
    """What a sound document holds, and what is worth a look."""
    targets = len(document.targets)
    roles = len(document.roles)
    lines = [f"warning: {located(warning, file)}" for warning in document.warnings]
    lines += [
        f"{shown(file)}:{unbound.line}: {unbound.name} is allowed, and nothing describes it yet: "
        "it can't be requested."
        for unbound in document.unbound
    ]
    lines.append(
        f"{shown(file)} is sound: {roles} {'role' if roles == 1 else 'roles'} on "
        f"{targets} {'target' if targets == 1 else 'targets'}."
    )
    return lines
