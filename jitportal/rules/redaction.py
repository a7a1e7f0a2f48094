"""Secrets taken out of statements before they are kept. What is taken out can't be had back."""

from __future__ import annotations

import re

REDACTED = "'[redacted]'"
_LITERAL = (
    r"(?:(?:[EeNn]|[Uu]&)?'(?:[^'\\]|''|\\.)*(?:'|\Z)"  # 'it''s', E'\'', one that is cut off
    r"|\$(?P<{tag}>\w*)\$.*?(?:\$(?P={tag})\$|\Z))"
)
_FLAGS = re.IGNORECASE | re.DOTALL


def _after(words: str, tag: str, between: str = r"\s*") -> re.Pattern[str]:
    return re.compile(rf"(?P<before>{words}{between}){_LITERAL.replace('{tag}', tag)}", _FLAGS)


#: What stands before a secret: a literal that follows is taken out whole. Nothing here is tried in more than
#: one way (``*+``): a statement that was written to hold the worker up takes no longer than another.
_NAMED = (
    _after(r"\bpassword\b", "p", r"\s*+(?:=|:=|to)?+\s*+"),
    _after(
        r"(?:secret|passw(?:or)?d|passphrase|token|api_?key|private_?key|credential)\w{0,63}+\"?",
        "s",
        r"\s*+(?:=>|=|:=|to)\s*+",
    ),
    _after(
        r"\b(?:connection|conninfo|primary_conninfo|dblink(?:_connect)?\s*\()", "d", r"\s*+(?:=|to)?+\s*+"
    ),
)
#: Where these are, any literal may be a secret: all of them go.
_DOUBTFUL = re.compile(
    r"\b(?:crypt|hmac|(?:en|de)crypt\w*|pgp_\w+)\s*\("
    r"|\binsert\s+into\s[^()]{0,300}\([^()]{0,4000}(?:secret|passw|passphrase|token|api_?key|credential)",
    re.IGNORECASE,
)
_ANY_LITERAL = re.compile(_LITERAL.replace("{tag}", "a"), _FLAGS)
#: Secrets that show by themselves, wherever they stand.
_SHOWN = (
    re.compile(r"(?P<before>://[^\s/:@']{0,100}:)[^\s@']{1,300}(?=@)"),  # an address with a password
    re.compile(r"(?P<before>\b(?:password|passwd|pwd|secret|token)\s*=\s*)[^\s'\";,)]+", _FLAGS),
    re.compile(r"(?P<before>\bbearer\s+)[\w.~+/-]{8,}=*", _FLAGS),
    re.compile(
        r"(?P<before>)\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|glpat-[\w-]{10,}|xox[abprs]-[\w-]{10,})"
    ),
    re.compile(r"(?P<before>)(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}\.[\w-]*"),  # a signed token
    re.compile(
        r"(?P<before>)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", _FLAGS
    ),
    re.compile(r"(?P<before>)\bSCRAM-SHA-256\$[\w:+/=$]+|\bmd5[0-9a-f]{32}\b"),
)


def redact(statement: str) -> str:
    """The statement without the secrets that can be told by where they stand or how they look.

    A guess to the safe side: what follows PASSWORD is gone, whatever it was. A secret that a user
    writes where nothing says so stays.
    """
    if _DOUBTFUL.search(statement):
        statement = _ANY_LITERAL.sub(REDACTED, statement)
    for pattern in _NAMED:
        statement = pattern.sub(rf"\g<before>{REDACTED}", statement)
    for pattern in _SHOWN:
        statement = pattern.sub(r"\g<before>[redacted]", statement)
    return statement
