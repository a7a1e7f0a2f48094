"""Requests as an attacker's tools make them: any method, address, header and body, in any bytes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

from hypothesis import strategies as st

#: Texts that have broken somebody's server: NUL, overlong UTF-8, half a surrogate pair, numbers that no
#: column holds, and what would be markup, SQL, a template, a path or a header's end.
NASTY = [
    b"\x00",
    b"a\x00b",
    b"\xc0\xaf",  # overlong /
    b"\xed\xa0\x80",  # half a surrogate pair
    b"\xed\xb3\xbf",
    b"\xf4\x90\x80\x80",  # past the last character
    b"\xff\xfe\x00\x00",
    b"\xe2\x80\xae",  # right to left
    b"\xcc\x81" * 50,
    b"0",
    b"-1",
    b"9" * 30,
    b"9" * 5_000,  # more digits than int() takes
    b"1e999",
    b"nan",
    b"\xd9\xa1\xd9\xa2",  # Arabic digits
    b"\xc2\xb2",  # a digit that int() refuses
    b"<script>alert(1)</script>",
    b"' OR '1'='1",
    b"'; DROP TABLE jitportal_event; --",
    b"{{ settings.SECRET_KEY }}",
    b"{% debug %}",
    b"../../../../etc/passwd",
    b"..%2f..%2f",
    b"%",
    b"%zz",
    b"%25%30",
    b"//evil.example/",
    b"\\\\evil.example",
    b"javascript:alert(1)",
    b"a\r\nSet-Cookie: sessionid=x",
    b"0000-00-00T25:61",
    b"9999-12-31T23:59:59.999999+14:00",
    b"0001-01-01",
    b"[]",
    b'{"a": [' * 200,
    b"=cmd|' /C calc'!A0",
    b"\x1b]0;title\x07\x1b[2J",
    b"x" * 70_000,
    b"&" * 3_000,
    b";" * 50,
]
#: Names that some page reads from its address, or from a form.
NAMES = [
    *("q", "after", "page", "next", "seen", "role", "kind", "person", "verb", "since", "until", "order"),
    *("sort", "to", "from", "state", "target", "pathway", "risk", "show", "query", "request", "scope"),
    *("minutes", "minutes_number", "minutes_unit", "start_mode", "opens_at", "closes_at", "justification"),
    *("digest", "reason", "note", "revision", "text", "username", "password", "verdict", "look", "instead"),
    *("act", "pk", "o", "p", "e", "_popup", "csrfmiddlewaretoken", "number", "selected", "file"),
]
#: What JSON can say and no column holds: numbers past every range, no numbers, depth, halves of characters.
NASTY_JSON: list[Any] = [
    *(None, True, False, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, -1e308, 0.1),
    *(float("nan"), float("inf"), float("-inf"), 253402300799, 253402300800, -62135596801),
    *("", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "x" * 5_000, "9" * 5_000, "nan", "1e999", "<b>", "'"),
    *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-45"),
    *("::ffff:203.0.113.9", "fe80::1%eth0", "asciicast_v2", "statements", "../../etc/passwd", "\u202e"),
    *([], {}, [[]], {"a": {"b": [1, 2, {"c": None}]}}, ["x"] * 500, dict.fromkeys(map(str, range(500)), 1)),
]
#: No document, or one that breaks whoever reads it.
BROKEN_JSON = [
    *(
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"12",
        b"{",
        b'{"a":1}{',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"{\x00}",
    ),
    *(b"[" * 8_000, b'{"a":' * 1_500, b"[" * 100_000, b"1" * 5_000, b'{"time":' + b"1" * 4_400 + b"}"),
    *(b'{"a":"\xed\xa0\x80"}', b'{"a":1,"a":2}', b'{"\\ud800":1}', b"NaN", b'{"time":1e400}', b" " * 70_000),
]
#: What begins like a form with a file, and isn't one.
BROKEN_PARTS = [
    *(
        b"",
        b"--b",
        b"--b--",
        b"--b\r\n",
        b"--b\r\n\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
    ),
    b'--b\r\nContent-Disposition: form-data; name="text"; filename="../../x\x00.yaml"\r\n\r\n\x00\xff\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: \x00\r\n\r\n'
    + b"\xff" * 5_000,
    b"--b\r\nContent-Disposition: form-data; name*=utf-16''%ff%fe\r\nContent-Transfer-Encoding: base64\r\n\r\n*\r\n--b--",
    b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n=\r\n--b--\r\n',
    b"--b\r\n" + b"X-Long: " + b"y" * 20_000 + b"\r\n\r\n--b--\r\n",
    b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 700 + b"--b--\r\n",
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n1\r\n' * 200 + b"--b--\r\n",
]
HEADERS = [
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED"),
    *("HTTP_X_REAL_IP", "HTTP_X_REQUEST_ID", "HTTP_HOST", "HTTP_ORIGIN", "HTTP_REFERER", "HTTP_COOKIE"),
    *("HTTP_HX_REQUEST", "HTTP_HX_TARGET", "HTTP_HX_TRIGGER", "HTTP_HX_CURRENT_URL", "HTTP_HX_PROMPT"),
    *("HTTP_HX_HISTORY_RESTORE_REQUEST", "HTTP_HX_CURRENT_URL_URI_AUTOENCODED", "HTTP_HX_TRIGGERING_EVENT"),
    *("HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING", "HTTP_ACCEPT_LANGUAGE", "HTTP_RANGE", "HTTP_IF_NONE_MATCH"),
    *("HTTP_IF_MODIFIED_SINCE", "HTTP_AUTHORIZATION", "HTTP_X_CSRFTOKEN", "HTTP_X_HTTP_METHOD_OVERRIDE"),
    *("CONTENT_LENGTH", "REMOTE_ADDR", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_USER_AGENT"),
    *(
        "HTTP_UPLOAD_OFFSET",
        "HTTP_REPR_DIGEST",
        "HTTP_UPLOAD_COMPLETE",
        "HTTP_X_WHOLE_SHA256",
        "HTTP_IF_MATCH",
    ),
    *("HTTP_CONTENT_ENCODING", "HTTP_UPGRADE", "HTTP_X_ORIGINAL_URL", "HTTP_X_REWRITE_URL", "HTTP_VIA"),
]
#: Headers as some server understands them, and as one that doesn't would have them.
SPOKEN = {
    "HTTP_ACCEPT_ENCODING": [b"gzip", b"gzip;q=0, *", b"br, gzip;q=nan"],
    "HTTP_RANGE": [b"bytes=0-1", b"bytes=-1", b"bytes=9-1", b"bytes=0-" + b"9" * 40, b"bytes=0-0,0-0,0-0"],
    "HTTP_IF_NONE_MATCH": [b"*", b'"x"', b'W/"' + b"x" * 300, b'"' * 99],
    "HTTP_IF_MODIFIED_SINCE": [b"Thu, 01 Jan 1970 00:00:00 GMT", b"Fri, 99 Foo 99999999 99:99:99 GMT"],
    "HTTP_ACCEPT_LANGUAGE": [b"de", b"en;q=1e9", b"x-" * 300, b"*;q=nan", b"de" * 5_000],
    "HTTP_HOST": [b"evil.example", b"localhost:99999", b"[::1", b"localhost@evil.example", b"127.0.0.1:a"],
    "HTTP_ORIGIN": [b"null", b"https://evil.example", b"http://[::1", b"http://localhost:99999999"],
    "HTTP_REFERER": [b"https://evil.example/", b"http://[::1", b"http://localhost:99999999/"],
    "HTTP_COOKIE": [
        b"sessionid=; csrftoken=",
        b'messages="x',
        b"a=b; " * 900,
        b"known_browser=x:y:z",
        b"=;;=,",
    ],
    "HTTP_AUTHORIZATION": [
        b"Bearer",
        b"Bearer \xff",
        b"Basic Og==",
        b"bearer " + b"x" * 7_000,
        b"Bearer \xd9\xa1",
    ],
    "HTTP_TRANSFER_ENCODING": [b"chunked", b"chunked, identity", b"xchunked"],
    "CONTENT_LENGTH": [b"0", b"1", b"00000000000000000003", b"99999999999999999999", b"2097153"],
    "HTTP_UPLOAD_OFFSET": [b"0", b"\xc2\xb2", b"9" * 18],
    "HTTP_REPR_DIGEST": [b"sha-256=:" + base64.b64encode(hashlib.sha256(b"").digest()) + b":"],
    "HTTP_UPLOAD_COMPLETE": [b"?1"],
    "HTTP_X_WHOLE_SHA256": [hashlib.sha256(b"").hexdigest().encode(), b"g" * 64],
    "HTTP_HX_REQUEST": [b"true"],
    "HTTP_HX_CURRENT_URL": [b"http://[", b"https://evil.example/", b"http://localhost:99999999/"],
    "HTTP_X_FORWARDED_PROTO": [b"https", b"https,http"],
}
ADDRESSES = [b"203.0.113.9, 10.0.0.1", b"::1, fe80::1%eth0", b"[::1]:99999999", b",,,", b"unknown", b"1.2.3"]
TYPES = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=no-such-thing",
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "multipart/form-data; boundary=b; charset=utf-7",
    "application/json",
    "application/json; charset=utf-32",
    "text/xml",
    "\x00",
    "",
]
METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "FOO",
    "get",
    "P\xd6ST",
]

_bytes = st.one_of(
    st.sampled_from(NASTY),
    st.binary(max_size=60),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
)


def _now_and_then(what: st.SearchStrategy[Any], one_in: int) -> st.SearchStrategy[Any]:
    """Mostly nothing. (``one_of`` would count every strategy inside ``what``.)"""
    return st.integers(0, one_in - 1).flatmap(lambda drawn: st.none() if drawn else what)


_names = st.one_of(
    st.sampled_from(NAMES), st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace").decode())
)
_query = st.lists(st.tuples(_names, _bytes), max_size=6)


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request, still without the address that it is made to."""

    foul_method: str | None
    turn: int
    query: list[tuple[str, bytes]]
    fields: list[tuple[str, bytes]]
    content_type: str
    raw_body: bytes | None
    headers: dict[str, str] = field(default_factory=dict)
    path_bit: bytes | None = None
    proxies: int = 0
    values: dict[str, Any] = field(default_factory=dict)

    def method(self, taken: Sequence[str]) -> str:
        """Mostly one that the address takes."""
        return self.foul_method or taken[self.turn % len(taken)]

    def path(self, address: str) -> str:
        """The address as WSGI gives it; with something put in the place of one part."""
        if self.path_bit is None:
            return address
        parts = address.split("/")
        parts[len(self.path_bit) % len(parts)] = self.path_bit.decode("latin-1")
        return "/" + "/".join(parts).lstrip("/")

    def query_string(self) -> str:
        pairs = [f"{quote_from_bytes(name.encode())}={quote_from_bytes(value)}" for name, value in self.query]
        return "&".join(pairs)

    def body(self, proper: Mapping[str, Any], *, as_json: bool = False) -> bytes:
        """What should be sent, with some of its fields spoilt; or any bytes."""
        if self.raw_body is not None:
            return self.raw_body
        names = sorted(proper)
        if as_json or self.content_type.startswith("application/json"):
            spoilt = {
                names[(self.turn + number) % len(names)] if names else name: value
                for number, (name, value) in enumerate(self.values.items())
            }
            return json.dumps({**proper, **spoilt}).encode("utf-8", "surrogatepass")
        values = {name: str(value).encode() for name, value in proper.items()}
        for number, (name, value) in enumerate(self.fields):
            values[names[number % len(names)] if names and number % 2 == 0 else name] = value
        return _parts(values) if self.content_type.startswith("multipart") else urlencode(values).encode()


def _parts(values: Mapping[str, bytes]) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    return b"".join(head % (name.encode(), value) for name, value in values.items()) + b"--b--\r\n"


def _headers(raw: dict[str, bytes]) -> dict[str, str]:
    # A server refuses line ends and NUL in a header itself, and gives it as latin-1.
    clean = {
        name: value.translate(None, b"\r\n\x00")[:8_000].decode("latin-1") for name, value in raw.items()
    }
    if not clean.get("CONTENT_LENGTH", "1").isdecimal():
        clean.pop("CONTENT_LENGTH")  # gunicorn answers that itself
    return clean


_spoken = st.sampled_from(sorted(SPOKEN)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(SPOKEN[name]))
)
_any_header = st.tuples(st.sampled_from(HEADERS), st.one_of(st.sampled_from(ADDRESSES), _bytes))

requests = st.builds(
    Hostile,
    foul_method=_now_and_then(st.sampled_from(METHODS), one_in=5),
    turn=st.integers(0, 5),
    query=_query,
    fields=_query,
    content_type=st.sampled_from(TYPES),
    raw_body=_now_and_then(
        st.one_of(_bytes, st.sampled_from(BROKEN_JSON), st.sampled_from(BROKEN_PARTS)), one_in=4
    ),
    headers=st.lists(st.one_of(_spoken, _any_header), max_size=4).map(dict).map(_headers),
    path_bit=_now_and_then(_bytes, one_in=5),
    proxies=st.integers(0, 2),
    values=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NASTY_JSON), max_size=3),
)
