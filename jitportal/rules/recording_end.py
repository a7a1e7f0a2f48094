"""How a recording says that the session was over when it ended: by a mark that is its last line."""

from __future__ import annotations

import json
import re

#: The mark is no longer than this.
LONGEST = 200
_MARKS = {"m": re.compile(r"exit -?\d{1,4}", re.ASCII), "x": re.compile(r"-?\d{1,4}", re.ASCII)}


def is_marked(tail: bytes) -> bool:
    """Whether these last bytes of an asciicast are the mark, in its second version or its third."""
    *_, last, rest = (b"\n" + tail).split(b"\n")
    try:
        said = json.loads(last)
    except (ValueError, RecursionError):
        return False
    if rest or not isinstance(said, list) or len(said) != 3 or not isinstance(said[1], str):
        return False
    mark = _MARKS.get(said[1])
    return mark is not None and isinstance(said[2], str) and mark.fullmatch(said[2]) is not None
