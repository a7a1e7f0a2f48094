"""How the portal logs: whatever somebody typed stays within its own line."""

from __future__ import annotations

import logging

#: Said of a request that was refused: who sends them would fill the log with the stacks of each.
_REFUSED = "django.security"


class LineFormatter(logging.Formatter):
    """Escapes what would begin another line or move a terminal's cursor; stacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line, without its stack."""
        line = super().formatMessage(record)
        return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)

    def format(self, record: logging.LogRecord) -> str:
        """The line and, where something is broken, its stack."""
        if record.name.startswith(_REFUSED):
            return self.formatMessage(_with_words(self, record))
        return super().format(record)


def _with_words(formatter: logging.Formatter, record: logging.LogRecord) -> logging.LogRecord:
    """The record with what ``logging.Formatter.format`` puts into it first."""
    record.message = record.getMessage()
    if formatter.usesTime():
        record.asctime = formatter.formatTime(record, formatter.datefmt)
    return record
