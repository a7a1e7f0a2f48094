"""The kinds of single values in a policy document, each refusing with a sentence.

What stands in the text is taken as written: where YAML 1.1 would convert a value behind the writer's
back (``no`` to false, ``010`` to eight, a date), the sentence says so and asks for quotes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from string import Formatter
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from jitportal.rules.deciders import DeciderRules
from jitportal.rules.nudges import Told, ToldRules
from jitportal.rules.policy_lines import did_you_mean
from jitportal.rules.policy_yaml import Scalar
from jitportal.rules.ticket_patterns import pattern_problem
from jitportal.rules.vocabulary import Decider, Risk

LONGEST_LINE = 200
LONGEST_TEXT = 4_000
LONGEST_TEMPLATE = 100

_KINDS = {
    "bool": "a yes or a no",
    "int": "a number",
    "float": "a number",
    "timestamp": "a date",
    "null": "nothing",
    "merge": "a merge",
}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,8})", re.ASCII)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62})", re.ASCII)
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}", re.ASCII)
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def refusal(sentence: str) -> PydanticCustomError:
    """The error by which a validator says its sentence."""
    return PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})


def as_text(value: object) -> str:
    """The text of a scalar; refuses lists, mappings and what YAML doesn't read as text."""
    if isinstance(value, str):
        return value  # a key
    if not isinstance(value, Scalar):
        raise refusal("This should be a single text, not a list or a mapping.")
    if value.kind == "null":
        raise refusal("This has no value. Give it one, or take the line out.")
    if value.kind != "str":
        meant = _KINDS.get(value.kind, value.kind)
        raise refusal(
            f'`{value.text}` is read by YAML as {meant}, not as text. Put it in quotes: "{value.text}".'
        )
    if not value.text.strip():
        raise refusal("This is empty. Give it a value, or take the line out.")
    return value.text.strip()


def _one_line(text: str) -> str:
    if "\n" in text:
        raise refusal("This should stand on one line.")
    if len(text) > LONGEST_LINE:
        raise refusal(f"This has {len(text)} characters, and {LONGEST_LINE} are allowed. Shorten it.")
    return text


def _bounded(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise refusal(f"This has {len(text)} characters, and {LONGEST_TEXT} are allowed. Shorten it.")
    return text


def slug_problem(text: str) -> str | None:
    """Why the text can't be a key, as a sentence; None: it can."""
    if _SLUG.fullmatch(text):
        return None
    return (
        f"`{text[:80]}` can't be a key: use 1 to 63 small letters (a to z), digits, hyphens and underscores, "
        "beginning with a letter or a digit."
    )


def _slug(text: str) -> str:
    problem = slug_problem(text)
    if problem:
        raise refusal(problem)
    return text


def _username(text: str) -> str:
    if not _USERNAME.fullmatch(text):
        raise refusal(
            f"`{text[:80]}` can't be a username: use 1 to 63 small letters, digits, full stops, hyphens, "
            "underscores and @."
        )
    if text == "system":
        raise refusal("`system` is the portal itself, not a person. Name a person.")
    return text


def _pattern(text: str) -> str:
    problem = pattern_problem(text)
    if problem:
        raise refusal(problem)
    return text


def _risk(text: str) -> Risk:
    try:
        return Risk(text)
    except ValueError:
        raise refusal(f"`{text}` isn't a risk.{did_you_mean(text, list(Risk))}") from None


def _login(text: str) -> str:
    if text not in {"named", "dynamic"}:
        raise refusal(
            f"`{text}` isn't a kind of login. Say `named` (one's own) or `dynamic` (made for the grant)."
        )
    return text


def _template(text: str) -> str:
    """``{username}``, with text around it: anything else would give two people one account."""
    try:
        fields = [(name, spec, how) for _, name, spec, how in Formatter().parse(text) if name is not None]
    except ValueError:
        fields = []
    if not fields or any(one != ("username", "", None) for one in fields):
        raise refusal(
            "Write `{username}` in the template, and no other braces: each person needs an own account."
        )
    if len(text) > LONGEST_TEMPLATE:
        raise refusal(
            f"This has {len(text)} characters, and a template {LONGEST_TEMPLATE} at most. Shorten it."
        )
    return text


def as_whole(value: object) -> int:
    """A whole number written plainly in decimal; refuses octal, sexagesimal and the like."""
    if isinstance(value, Scalar) and value.kind == "null":
        raise refusal("This has no value. Give it a whole number, or take the line out.")
    if not isinstance(value, Scalar):
        raise refusal("This should be a whole number, not a list or a mapping.")
    if not value.plain and _NUMBER.fullmatch(value.text):
        raise refusal(f'"{value.text}" is in quotes, and so text. Take the quotes off.')
    if not _NUMBER.fullmatch(value.text):
        converted = " YAML may read it as another number than it looks like." if value.kind == "int" else ""
        raise refusal(
            f"`{value.text[:80]}` isn't a plain whole number.{converted} Write digits alone, such as 60."
        )
    return int(value.text)


def _counted(least: int, most: int) -> Callable[[int], int]:
    def check(number: int) -> int:
        if not least <= number <= most:
            raise refusal(f"{number} isn't between {least} and {most:,}.")
        return number

    return check


def as_flag(value: object) -> bool:
    """``true`` or ``false``, also as YAML 1.1's yes and no."""
    if isinstance(value, Scalar) and value.plain and value.text.lower() in _FLAGS:
        return _FLAGS[value.text.lower()]
    raise refusal("This should be true or false.")


def as_setting(value: object) -> str:
    """A text, or a whole number such as a port, which is kept as it is written."""
    if isinstance(value, Scalar) and value.kind == "int":
        return str(as_whole(value))
    return as_text(value)


def as_list(value: object) -> list[Any]:
    """A list; a single value isn't taken for one, so that a forgotten hyphen is seen."""
    if isinstance(value, list):
        return value
    if isinstance(value, Scalar) and value.kind != "null":
        raise refusal(f"This should be a list. Put `- {value.text[:80]}` on a line of its own.")
    raise refusal("This should be a list, each item on a line that begins with a hyphen.")


def unique(values: list[Any]) -> list[Any]:
    """The list, when nothing stands in it twice."""
    twice = next((value for value, number in Counter(values).items() if number > 1), None)
    if twice is not None:
        raise refusal(f"`{twice}` stands in this list twice. Keep one.")
    return values


def one_or_more(value: object) -> list[Any]:
    """A list, or a single value as a list of one."""
    if isinstance(value, Scalar) and value.kind == "null":
        raise refusal("This has no value. Say who, or take the line out.")
    return value if isinstance(value, list) else [value]


def as_told(value: object) -> ToldRules:
    """``manager``, ``role_owner``, ``role_owner_manager``, ``{team: x}`` or ``{person: x}``."""
    if isinstance(value, Mapping):
        if set(value) == {Told.TEAM.value}:
            return ToldRules(Told.TEAM, _slug(as_text(value["team"])))
        if set(value) == {Told.PERSON.value}:
            return ToldRules(Told.PERSON, _username(as_text(value["person"])))
        raise refusal("This should be `team:` and the team's key, or `person:` and a username.")
    word = as_text(value)
    known = (Told.MANAGER, Told.ROLE_OWNER, Told.OWNERS_MANAGER)
    if word in known:
        return ToldRules(Told(word))
    if word in (Told.TEAM, Told.PERSON):
        raise refusal(f"Write `{word}: ` with a name after the colon.")
    hint = did_you_mean(word, [*known, Told.TEAM, Told.PERSON])
    raise refusal(f"`{word}` isn't one who can be told.{hint}")


def somebody(values: list[Any]) -> list[Any]:
    """The list, when anybody stands in it."""
    if not values:
        raise refusal("This list is empty: nobody would be told. Name somebody, or take it out.")
    return values


def as_decider(value: object) -> DeciderRules:
    """``manager``, ``role_owner`` or ``{team: x}``."""
    if isinstance(value, Mapping):
        if set(value) != {"team"}:
            raise refusal("This should be `team:` and the team's key, and nothing else.")
        return DeciderRules(Decider.TEAM, _slug(as_text(value["team"])))
    word = as_text(value)
    if word == Decider.SYSTEM:
        raise refusal(
            "The system decides only where a rule matches. Write the rules under `system_approval`."
        )
    if word in {Decider.MANAGER, Decider.ROLE_OWNER}:
        return DeciderRules(Decider(word))
    if word.startswith("team ") or word == Decider.TEAM:
        raise refusal("Name the team as `team: its-key`, with the colon.")
    known = ("manager", "role_owner", "team")
    raise refusal(f"`{word}` isn't one who decides.{did_you_mean(word, known)}")


Line = Annotated[str, BeforeValidator(as_text), AfterValidator(_one_line)]
Text = Annotated[str, BeforeValidator(as_text), AfterValidator(_bounded)]
Slug = Annotated[str, BeforeValidator(as_text), AfterValidator(_slug)]
Username = Annotated[str, BeforeValidator(as_text), AfterValidator(_username)]
Pattern = Annotated[str, BeforeValidator(as_text), AfterValidator(_pattern)]
LoginKind = Annotated[str, BeforeValidator(as_text), AfterValidator(_login)]
Template = Annotated[Line, AfterValidator(_template)]
Setting = Annotated[str, BeforeValidator(as_setting), AfterValidator(_one_line)]
RiskWord = Annotated[Risk, PlainValidator(lambda value: _risk(as_text(value)))]
Flag = Annotated[bool, BeforeValidator(as_flag)]
Minutes = Annotated[int, BeforeValidator(as_whole), AfterValidator(_counted(1, 1_000_000))]
Seats = Annotated[int, BeforeValidator(as_whole), AfterValidator(_counted(1, 20))]
Days = Annotated[int, BeforeValidator(as_whole), AfterValidator(_counted(1, 3_660))]
Status = Annotated[int, BeforeValidator(as_whole), AfterValidator(_counted(100, 599))]
Failures = Annotated[int, BeforeValidator(as_whole), AfterValidator(_counted(1, 100))]
ProbeSeconds = Annotated[int, BeforeValidator(as_whole), AfterValidator(_counted(5, 3_600))]
Characters = Annotated[int, BeforeValidator(as_whole), AfterValidator(_counted(0, 1_000))]
Slugs = Annotated[list[Slug], BeforeValidator(as_list), AfterValidator(unique)]
Usernames = Annotated[list[Username], BeforeValidator(as_list), AfterValidator(unique)]
Lines = Annotated[list[Line], BeforeValidator(as_list), AfterValidator(unique)]
Settings = Annotated[list[Setting], BeforeValidator(one_or_more), AfterValidator(unique)]
ToldList = Annotated[
    list[Annotated[ToldRules, PlainValidator(as_told)]],
    BeforeValidator(one_or_more),
    AfterValidator(unique),
    AfterValidator(somebody),
]
Deciders = Annotated[
    list[Annotated[DeciderRules, PlainValidator(as_decider)]],
    BeforeValidator(one_or_more),
    AfterValidator(unique),
]
