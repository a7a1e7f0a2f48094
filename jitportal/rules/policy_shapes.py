"""Reads data into the document's shapes, and says in sentences, with the line, what doesn't fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from jitportal.rules.durations import MINUTES_IN
from jitportal.rules.policy_lines import Path, Report, did_you_mean
from jitportal.rules.policy_schema import Shape
from jitportal.rules.policy_yaml import Data, Scalar

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Read = TypeVar("Read", bound=Shape)


def shaped(shape: type[Read], data: Data | None, path: Path, report: Report) -> Read | None:
    """The data in its shape; what doesn't fit is reported and left out. None: no mapping at all."""
    mapping = as_mapping(data, path, report)
    if mapping is None:
        return None
    rest = _copied(dict(mapping))
    while True:
        try:
            return shape.model_validate(rest)
        except ValidationError as error:
            details = error.errors(include_url=False)
        for detail in details:
            report.problem((*path, *_steps(detail)), _sentence(shape, detail))
        for detail in details:
            report.spoil((*path, *_leave_out(rest, _steps(detail))))


def as_mapping(data: Data | None, path: Path, report: Report) -> Mapping[str, Data] | None:
    """The data where it is a mapping; otherwise says so, and gives None."""
    if isinstance(data, dict):
        return data
    if not report.is_spoiled(path):
        report.problem(path, _mapping_sentence(data))
        report.spoil(path)
    return None


def minutes_of(section: Shape, stem: str, path: Path, report: Report) -> int | None:
    """What ``<stem>_minutes``, ``_hours`` or ``_days`` says, in minutes; None: nothing."""
    said = {
        f"{stem}_{unit}": int(number) * size
        for unit, size in MINUTES_IN.items()
        if (number := getattr(section, f"{stem}_{unit}")) is not None
    }
    if len(said) > 1:
        names = " and ".join(f"`{name}`" for name in said)
        report.problem((*path, list(said)[-1]), f"{names} say the same thing. Keep one.")
    return next(iter(said.values()), None)


def duration_key(section: Shape, stem: str) -> str:
    """The key that says the duration in this section, for the place of a problem with it."""
    names = [f"{stem}_{unit}" for unit in MINUTES_IN]
    return next((name for name in names if getattr(section, name) is not None), names[0])


def _steps(detail: ErrorDetails) -> Path:
    return tuple(step for step in detail["loc"] if step != "[key]")


def _copied(data: Data) -> Data:
    """The data with lists and mappings of its own, to leave things out of."""
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(item) for item in data] if isinstance(data, list) else data


def _leave_out(data: Data, steps: Path) -> Path:
    """Removes what can't be read, and no more than that; gives the path of what is gone.

    A text in a list is replaced, so that what follows it keeps its index, and with it its line;
    whatever else stands in a list takes the list along.
    """
    holder: dict[str, Data] = {}
    key, gone = "", 0
    for depth, step in enumerate(steps):
        if isinstance(data, dict) and isinstance(step, str) and step in data:
            holder, key, gone = data, step, depth
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            if depth == len(steps) - 1 and _replaced(data, step):
                return steps
            data = data[step]
        else:
            break
    holder.pop(key, None)
    return steps[: gone + 1]


def _replaced(items: list[Data], index: int) -> bool:
    """Puts a text that any list accepts in the place of one that it doesn't, once."""
    stand_in = Scalar(f"unreadable-{index}", "str")
    if not isinstance(items[index], Scalar) or items[index] == stand_in:
        return False
    items[index] = stand_in
    return True


def _sentence(shape: type[Shape], detail: ErrorDetails) -> str:
    kind, given = detail["type"], detail["input"]
    if kind == "sentence":
        return detail["msg"]
    if kind == "extra_forbidden":
        key = str(detail["loc"][-1])
        hint = did_you_mean(key, _keys(shape, detail["loc"][:-1]))
        return f"`{key[:80]}` isn't a key that belongs here.{hint}"
    if kind in {"model_type", "dict_type"}:
        return _mapping_sentence(given)
    return f"{detail['msg']}."


def _mapping_sentence(given: object) -> str:
    if isinstance(given, Scalar) and given.kind == "null":
        return "This has no value. Write its keys below it, indented, or take the line out."
    return "This should be a mapping: keys, each with a colon and its value."


def _keys(shape: type[BaseModel], loc: Iterable[str | int]) -> set[str]:
    """The keys that the shape at this place knows."""
    annotation: object = shape
    for step in loc:
        models = list(_models(annotation))
        if models and isinstance(step, str) and step in models[0].model_fields:
            annotation = models[0].model_fields[step].annotation
    return {name for model in _models(annotation) for name in model.model_fields}


def _models(annotation: object) -> Iterable[type[BaseModel]]:
    """The shapes within an annotation: that of ``dict[Slug, Scope] | None`` is ``Scope``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
