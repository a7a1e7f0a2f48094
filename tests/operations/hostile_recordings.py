"""Recordings as somebody would make them who wants to harm whoever looks at them, or the portal itself."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

V2 = b'{"version": 2, "width": 80, "height": 24}\n'
NOTED = b'{"version": 2, "width": 80, "height": 24, "notes": "lines"}\n'
MARKUP = (
    "<script>alert(1)</script><img src=x onerror=alert(2)><style>*{display:none}</style>{{ 7*7 }}{% now %}"
)
SEQUENCES = (
    "\x1b]8;;javascript:alert(1)\x1b\\a link\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;a title\x07",
    "\x1bP+q544e\x1b\\",
    "\x1b_application\x1b\\\x1b^private\x1b\\\x1bXstring\x1b\\",
    "\x07" * 50,
    "\x1b[2J\x1b[H\x1b[999;999H\x1b[?25l\x1b[?1049h",
    "\x1b[8;9999;9999t",
    "\x1b[21t\x1b[c\x1b[6n",
    "\x1b[99999999999999999999m\x1b[;;;;;;;;;;m\x1b[<>=?!",
    "\x9b31m\x9d0;t\x9c\x90q\x9c",
    "rm \u202etxt.doog\u202c \u2066a\u2069\u2028b",
    "\x00" * 50,
    "a\u0301" * 500 + "\ufeff\U000e0041\U0010ffff",
)


def cast(*events: object, header: bytes = V2) -> bytes:
    return header + b"".join(json.dumps(event).encode() + b"\n" for event in events)


def _head(**said: object) -> bytes:
    return json.dumps({"version": 2, "width": 80, "height": 24, **said}).encode() + b"\n"


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb", bytes(20_000_000))
    return made.getvalue()


def _shown(header: bytes) -> bytes:
    return cast([0.1, "o", "$ after\r\n"], header=header)


#: Small ones, each with what its name says.
SMALL: dict[str, bytes] = {
    "nothing": b"",
    "line breaks alone": b"\n\r\n\r\r\n",
    "no JSON": b"not json at all\n",
    "no UTF-8": b"\xff\xfe\x00\x01\n" + b'[0.1, "o", "\xc3\x28\xa0\xed\xa0\x80"]\n',
    "a byte order mark": b"\xef\xbb\xbf" + _shown(V2),
    "UTF-16": _shown(V2).decode().encode("utf-16"),
    "CRLF": _shown(V2).replace(b"\n", b"\r\n"),
    "version 1": json.dumps({"version": 1, "width": 80, "height": 24, "stdout": [[0.1, MARKUP]]}).encode(),
    "no header": b'[0.1, "o", "$ first\\r\\n"]\n[0.2, "o", "$ after\\r\\n"]\n',
    "a header that is huge": _shown(_head(width=10**400, height=10**9)),
    "a header that is negative": _shown(_head(width=-5, height=0)),
    "a header with other types": _shown(
        _head(width="<script>", height={}, notes=["lines"], command=[MARKUP])
    ),
    "a header with NaN": _shown(b'{"version": NaN, "width": 1e999, "height": -Infinity}\n'),
    "a header that is nested": _shown(b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n"),
    "a header that is a list": _shown(b"[" * 100_000 + b"\n"),
    "a header with a theme": _shown(_head(theme={"fg": "red;}*{display:none}"}, title=MARKUP, env=MARKUP)),
    "a term that is none": _shown(b'{"version": 3, "term": [1, 2]}\n'),
    "a term that is huge": _shown(b'{"version": 3, "term": {"cols": 1e9, "rows": "9"}}\n'),
    "a command with half a character": _shown(_head(command="id \ud800\udfff\udc00\r\n\x1b[31m" + MARKUP)),
    "a command that is long": _shown(_head(command="x" * 200_000)),
    "times that are none": V2 + b'[NaN, "o", "x"]\n[Infinity, "o", "x"]\n[-1, "o", "x"]\n[1e999, "o", "x"]\n',
    "times that are huge": V2 + b'[1e300, "o", "x"]\n[1' + b"0" * 400 + b', "o", "x"]\n',
    "times that go back": cast([9, "o", "a\r\n"], [3, "o", "b\r\n"], [1e18, "o", "c\r\n"], [0, "o", "d\r\n"]),
    "times with other types": V2 + b'["1", "o", "x"]\n[true, "o", "x"]\n[null, "o", "x"]\n[{}, "o", "x"]\n',
    "events of other kinds": cast(
        [1, "i", "typed"], [1, "z", MARKUP], [1, "", "x"], [1, None, "x"], [1, "o"], {}
    ),
    "events with other types": cast(
        [1, "o", None], [1, "o", 7], [1, "o", ["x"]], [1, "m", {}], [1, "r", "9x9x9"]
    ),
    "sizes that are odd": cast(
        *([1, "r", size] for size in ("0x0", "9999x9999", "1x1", "٣x٣", "80x", "-1x5"))
    ),
    "marks that are odd": cast(
        *([1, "m", mark] for mark in ("entered 9999", "entered 99999", MARKUP, "")), header=NOTED
    ),
    "half characters": V2 + b'[1, "o", "\\ud800 \\udfff"]\n[1, "m", "\\udc00"]\n',
    "markup": cast([0.1, "o", f"rita@web1:~$ {MARKUP}\r\n"], [0.2, "m", MARKUP]),
    "sequences": cast(*([number / 10, "o", f"$ {one}\r\n"] for number, one in enumerate(SEQUENCES))),
    "sequences in two parts": cast(
        *(
            [0.5 * at, "o", part]
            for at, part in enumerate(["\x1b[9", "999999b", "\x1b", "]52;c;", "x", "\x07\x1b[?20", "04h"])
        )
    ),
    "NULs": V2 + bytes(5_000) + b"\n" + cast([1, "o", "\x00after\x00"], header=b""),
    "cut off": V2 + b'[1, "o", "cut o',
    "gzip": gzip.compress(bytes(20_000_000)),
    "zip": _zip(),
    "nested lists": V2 + b"[" * 100_000 + b"\n" + b'[1, "o", ' + b"[" * 900 + b"]" * 900 + b"]\n",
}

#: What is dear to read or to play, by the unit that is repeated: each makes megabytes of it.
FLOODS: dict[str, tuple[bytes, bytes]] = {
    "a line without an end": (V2 + b'[1, "o", "', b"x" * 1024),
    "a million tiny events": (V2, b'[1,"o","x"]\n'),
    "tiny events far apart": (V2, b'["t","o","x"]\n'),
    "line breaks": (V2, b'[1.0, "o", "' + b"\\n" * 60_000 + b'"]\n'),
    "marks": (NOTED, b'[1,"m","entered 9999"]\n'),
    "sizes": (V2, b'[1,"r","400x150"]\n[1,"r","20x5"]\n'),
    "cursor movements": (NOTED, b'[1.0, "o", "' + b"\\u001b[9999C\\u001b[A" * 5_000 + b'"]\n'),
    "insertions": (NOTED, b'[1.0, "o", "' + b"xxxxxxxxxxxxxxxxxxxx\\u001b[9@" * 5_000 + b'"]\n'),
    "the same character again": (V2, b'[1.0, "o", "' + b"x\\u001b[99999999b" * 5_000 + b'"]\n'),
    "a screen that is cleared": (
        _head(width=400, height=150),
        b'[1.0, "o", "' + b"\\u001b[2J" * 5_000 + b'"]\n',
    ),
    "a screen that is filled": (
        _head(width=400, height=150),
        b'[1.0, "o", "' + b"\\u001b#8\\u001bc" * 5_000 + b'"]\n',
    ),
    "lines that are scrolled": (
        V2,
        b'[1.0, "o", "' + b"\\u001b[150S\\u001b[99T\\u001b[99L" * 5_000 + b'"]\n',
    ),
    "titles without an end": (V2, b'[1.0, "o", "' + b"\\u001b]0;" * 20_000 + b'"]\n'),
    "controls": (NOTED, b'[1.0, "o", "' + b"\x7f" * 100_000 + b'"]\n'),
}


def flood(name: str, size: int) -> bytes:
    """So many bytes of it."""
    header, unit = FLOODS[name]
    if name == "tiny events far apart":
        return header + b"".join(b'[%d,"o","x"]\n' % at for at in range((size - len(header)) // 14))
    return header + unit * ((size - len(header)) // len(unit))
