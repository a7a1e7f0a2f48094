"""Changing one place of a policy document's text, and leaving every other character as it is.

The document is never written anew from its data: that would lose its comments, its order and its layout.
A place is found by the marks of the parser's nodes, a piece of text is put there, and the outcome is read
again: it must mean exactly what was to become of it, or nothing is changed and ``CannotEdit`` says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from jitportal.rules.errors import Invalid
from jitportal.rules.policy_lines import Path, spoken_path
from jitportal.rules.policy_yaml import Data, Scalar, read

#: What can be put into a document.
Value: TypeAlias = "str | int | Sequence[Value] | Mapping[str, Value]"

INDENT = 2
#: What stands as it is, in a list in brackets too; anything else is put in quotes.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./@+-]*", re.ASCII)
_resolver = yaml.resolver.Resolver()


class CannotEdit(Invalid):
    """The text is laid out so that this change can't be made without touching more."""


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


class PolicyText:
    """A document that loads, and the changes made to it: ``text`` is it as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._tree: yaml.Node | None = None
        self._read_from: str | None = None

    def set(self, path: Path, value: Value) -> None:
        """Give a key its value, a new one or another."""
        node = self._node(path)
        if node is not None:
            self._change([self._replaced(node, value)], lambda data: _put(data, path, value))
            return
        *_, key = path
        holder = self._node(path[:-1])
        if not isinstance(holder, yaml.MappingNode):
            raise _cannot(path)
        self._change([self._entry(holder, str(key), value)], lambda data: _put(data, path, value))

    def rename(self, path: Path, key: str, value: Value) -> None:
        """Give a key another name and value, where it stands."""
        old = self._node(path)
        if old is None:
            raise _cannot(path)
        place = self._key(path)
        splices = [
            _Splice(place.start_mark.index, place.end_mark.index, _scalar(key)),
            self._replaced(old, value),
        ]
        self._change(splices, lambda data: _renamed(data, path, key, value))

    def append(self, path: Path, items: Sequence[str]) -> None:
        """Add items at the end of a list."""
        node = self._node(path)
        if not isinstance(node, yaml.SequenceNode):
            raise _cannot(path)
        if not node.value:
            splice = self._replaced(node, list(items))
        elif node.flow_style:
            end = _end(node.value[-1])
            splice = _Splice(end, end, "".join(f", {_scalar(item)}" for item in items))
        else:
            end = self._line_end(_end(node.value[-1]))
            margin = "\n" + " " * node.start_mark.column
            splice = _Splice(end, end, "".join(f"{margin}- {_scalar(item)}" for item in items))
        self._change([splice], lambda data: _extended(data, path, items))

    def remove(self, path: Path, items: Sequence[str]) -> None:
        """Take items out of a list; comments between them stay."""
        node = self._node(path)
        if not isinstance(node, yaml.SequenceNode):
            raise _cannot(path)
        gone = [index for index, one in enumerate(node.value) if one.value in items]
        if gone and len(gone) == len(node.value):
            self._emptied(path, node)
            return
        spans = [(one.start_mark.index, _end(one)) for one in node.value]
        self._change(self._without(node, spans, gone), lambda data: _reduced(data, path, items))

    # the pieces of text

    def _emptied(self, path: Path, node: yaml.SequenceNode) -> None:
        """A list that loses everything becomes ``[]``."""
        if node.flow_style:
            splices = [_Splice(node.start_mark.index, _end(node), "[]")]
        else:
            colon = self.text.index(":", self._key(path).end_mark.index) + 1
            gone = [self._lines_gone((one.start_mark.index, _end(one))) for one in node.value]
            splices = [_Splice(colon, colon, " []"), *gone]
        self._change(splices, lambda data: _put(data, path, []))

    def _replaced(self, node: yaml.Node, value: Value) -> _Splice:
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            raise CannotEdit("A whole section can't be replaced by the form. Change it in the text.")
        return _Splice(node.start_mark.index, _end(node), _flow(value))

    def _entry(self, holder: yaml.MappingNode, key: str, value: Value) -> _Splice:
        """A new last entry of a mapping, laid out as the others are."""
        if holder.flow_style:
            if not holder.value:
                return _Splice(holder.start_mark.index, _end(holder), f"{{{_scalar(key)}: {_flow(value)}}}")
            end = _end(holder.value[-1][1])
            return _Splice(end, end, f", {_scalar(key)}: {_flow(value)}")
        end = self._line_end(_end(holder.value[-1][1]))
        margin = int(holder.value[0][0].start_mark.column)
        gap = "\n" if isinstance(value, Mapping) and self._is_spaced(holder) else ""
        lines = _block(key, value, margin, self._step(holder, margin))
        return _Splice(end, end, gap + "".join(f"\n{line}" for line in lines))

    def _is_spaced(self, holder: yaml.MappingNode) -> bool:
        """Whether an empty line parts the entries."""
        if len(holder.value) < 2:
            return False
        before = self.text[: holder.value[-1][0].start_mark.index].split("\n")[:-1]
        while before and before[-1].lstrip().startswith("#"):
            before.pop()
        return bool(before) and not before[-1].strip()

    def _step(self, holder: yaml.MappingNode, margin: int) -> int:
        """By how many blanks the entries of the neighbours stand in."""
        for _, value in holder.value:
            if isinstance(value, yaml.MappingNode) and not value.flow_style and value.value:
                return max(1, int(value.value[0][0].start_mark.column) - margin)
        return INDENT

    def _without(
        self, holder: yaml.SequenceNode, spans: Sequence[tuple[int, int]], gone: Sequence[int]
    ) -> list[_Splice]:
        """The list without some of its members: their lines, or their places between the commas."""
        if not holder.flow_style:
            return [self._lines_gone(spans[index]) for index in gone]
        splices: list[_Splice] = []
        kept = [index for index in range(len(spans)) if index not in set(gone)]
        for index in gone:
            before = [one for one in kept if one < index]
            if before:  # from the end of the member before, so that its comma goes along
                start = spans[index - 1][1]
                splices.append(_Splice(start, spans[index][1], ""))
            elif index + 1 < len(spans):
                splices.append(_Splice(spans[index][0], spans[index + 1][0], ""))
            else:
                splices.append(_Splice(spans[index][0], spans[index][1], ""))
        return splices

    def _lines_gone(self, span: tuple[int, int]) -> _Splice:
        """The whole lines of a member of a block."""
        start = self.text.rfind("\n", 0, span[0])
        return _Splice(max(start, 0), self._line_end(span[1]), "")

    def _line_end(self, index: int) -> int:
        end = self.text.find("\n", index)
        return len(self.text) if end < 0 else end

    # reading

    def holds(self, path: Path) -> bool:
        """Whether something stands there."""
        return self._node(path) is not None

    def lists(self, path: Path, item: str) -> bool:
        """Whether the list there holds the item."""
        node = self._node(path)
        return isinstance(node, yaml.SequenceNode) and any(one.value == item for one in node.value)

    def _node(self, path: Path) -> yaml.Node | None:
        node = self._root()
        for step in path:
            if isinstance(node, yaml.MappingNode):
                node = next((value for key, value in node.value if key.value == step), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
            else:
                return None
        return node

    def _key(self, path: Path) -> yaml.Node:
        """The node of the key itself, which a mapping has to hold."""
        holder = self._node(path[:-1])
        if isinstance(holder, yaml.MappingNode):
            for key, _ in holder.value:
                if key.value == path[-1]:
                    found: yaml.Node = key
                    return found
        raise _cannot(path)

    def _root(self) -> yaml.Node | None:
        if self._read_from != self.text:
            self._tree = yaml.compose(self.text, Loader=yaml.SafeLoader)
            self._read_from = self.text
        return self._tree

    def _change(self, splices: Sequence[_Splice], meant: Callable[[Data], Data]) -> None:
        """Make the pieces of one change; refuses where the outcome means anything else than was meant."""
        text = self.text
        for splice in sorted(splices, key=lambda one: (one.start, one.end), reverse=True):
            text = text[: splice.start] + splice.text + text[splice.end :]
        before, after = read(self.text), read(text)
        if before.data is None or after.data is None or after.problems:
            raise CannotEdit(_SENTENCE)
        if _said(after.data) != _said(meant(_copied(before.data))):
            raise CannotEdit(_SENTENCE)
        self.text = text


_SENTENCE = (
    "The policy's text is laid out in a way that the form can't change without touching more. "
    "Make this change in the text."
)


def _cannot(path: Path) -> CannotEdit:
    return CannotEdit(f"The form finds no place for `{spoken_path(path)}`. Make this change in the text.")


def _end(node: yaml.Node) -> int:
    """Where what the node says ends; the parser's own mark of a block lies past the comments after it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    end = int(node.end_mark.index)
    if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
        written = node.start_mark.buffer
        return len(written[:end].rstrip()) if written else end
    return end


# what is written


def _scalar(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    kind = str(_resolver.resolve(yaml.ScalarNode, value, (True, False)))
    if _PLAIN.fullmatch(value) and value == value.strip() and kind.endswith(":str"):
        return value
    if "\n" in value or not value.isprintable():
        return json.dumps(value)
    quoted = value.replace("'", "''")
    return f"'{quoted}'" if "\\" in value or '"' in value else f'"{value}"'


def _flow(value: Value) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, str | int):
        return _scalar(value)
    return "[" + ", ".join(map(_flow, value)) + "]"


def _block(key: str, value: Value, margin: int, step: int) -> list[str]:
    """The lines of an entry: mappings and lists of mappings a line for each key, short lists in brackets."""
    begin = f"{' ' * margin}{_scalar(key)}:"
    if isinstance(value, Mapping) and value:
        inner = [line for name, one in value.items() for line in _block(name, one, margin + step, step)]
        return [begin, *inner]
    if (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and any(isinstance(one, Mapping) for one in value)
    ):
        return [begin, *(line for one in value for line in _item(one, margin + step, step))]
    return [f"{begin} {_flow(value)}"]


def _item(value: Value, margin: int, step: int) -> list[str]:
    """A list's item; the first line of a mapping stands beside the hyphen."""
    if not isinstance(value, Mapping):
        return [f"{' ' * margin}- {_flow(value)}"]
    lines = [line for name, one in value.items() for line in _block(name, one, margin + 2, step)]
    return [f"{' ' * margin}- {lines[0].lstrip()}", *lines[1:]]


# what is meant


def _data(value: Value) -> Data:
    if isinstance(value, Mapping):
        return {key: _data(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return Scalar(value, "str")
    return Scalar(str(value), "int") if isinstance(value, int) else [_data(inner) for inner in value]


def _put(data: Data, path: Path, value: Value | None) -> Data:
    """The data with the value there; None: without it."""
    *way, last = path
    holder = data
    for step in way:
        holder = _inside(holder, step)
    if isinstance(holder, dict) and isinstance(last, str):
        if value is None:
            del holder[last]
        else:
            holder[last] = _data(value)
    elif isinstance(holder, list) and isinstance(last, int) and value is not None:
        holder[last] = _data(value)
    return data


def _renamed(data: Data, path: Path, key: str, value: Value) -> Data:
    return _put(_put(data, path, None), (*path[:-1], key), value)


def _list_at(data: Data, path: Path) -> list[Data]:
    for step in path:
        data = _inside(data, step)
    return data if isinstance(data, list) else []


def _inside(data: Data, step: str | int) -> Data:
    if isinstance(data, dict) and isinstance(step, str):
        return data[step]
    return data[step] if isinstance(data, list) and isinstance(step, int) else data


def _extended(data: Data, path: Path, items: Sequence[str]) -> Data:
    _list_at(data, path).extend(Scalar(item, "str") for item in items)
    return data


def _reduced(data: Data, path: Path, items: Sequence[str]) -> Data:
    found = _list_at(data, path)
    found[:] = [one for one in found if not (isinstance(one, Scalar) and one.text in items)]
    return data


def _copied(data: Data) -> Data:
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(item) for item in data] if isinstance(data, list) else data


def _said(data: Data) -> object:
    """What the data says, however its scalars are quoted."""
    if isinstance(data, dict):
        return {key: _said(value) for key, value in data.items()}
    return [_said(item) for item in data] if isinstance(data, list) else (data.text, data.kind)
