"""Requests as an attacker's tools make them: any method, address, header and body, in any bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    b"x" * 70_000,
    b"&" * 600,
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
HEADERS = [
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED"),
    *("HTTP_X_REAL_IP", "HTTP_X_REQUEST_ID", "HTTP_HOST", "HTTP_ORIGIN", "HTTP_REFERER", "HTTP_COOKIE"),
    *("HTTP_HX_REQUEST", "HTTP_HX_TARGET", "HTTP_HX_TRIGGER", "HTTP_HX_CURRENT_URL", "HTTP_HX_PROMPT"),
    *("HTTP_HX_HISTORY_RESTORE_REQUEST", "HTTP_HX_CURRENT_URL_URI_AUTOENCODED", "HTTP_HX_TRIGGERING_EVENT"),
    *("HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING", "HTTP_ACCEPT_LANGUAGE", "HTTP_RANGE", "HTTP_IF_NONE_MATCH"),
    *("HTTP_IF_MODIFIED_SINCE", "HTTP_AUTHORIZATION", "HTTP_X_CSRFTOKEN", "HTTP_X_HTTP_METHOD_OVERRIDE"),
    *("CONTENT_LENGTH", "REMOTE_ADDR", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_USER_AGENT"),
]
ADDRESSES = [b"203.0.113.9, 10.0.0.1", b"::1, fe80::1%eth0", b"[::1]:99999999", b",,,", b"unknown", b"1.2.3"]
TYPES = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=no-such-thing",
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "application/json",
    "text/xml",
    "\x00",
    "",
]
METHODS = ["GET", "GET", "HEAD", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]

_bytes = st.one_of(
    st.sampled_from(NASTY),
    st.binary(max_size=60),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
)
_text = _bytes.map(lambda raw: raw.decode("latin-1"))
_names = st.one_of(
    st.sampled_from(NAMES), st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace").decode())
)
_query = st.lists(st.tuples(_names, _bytes), max_size=6)


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request, still without the address that it is made to."""

    method: str
    query: list[tuple[str, bytes]]
    fields: list[tuple[str, bytes]]
    content_type: str
    raw_body: bytes | None
    headers: dict[str, str] = field(default_factory=dict)
    path_bit: bytes | None = None
    proxies: int = 0

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

    def body(self, proper: dict[str, str]) -> bytes:
        """The form as it should be sent, with some of its fields spoilt; or any bytes."""
        if self.raw_body is not None:
            return self.raw_body
        names = sorted(proper)
        values = {name: value.encode() for name, value in proper.items()}
        for number, (name, value) in enumerate(self.fields):
            values[names[number % len(names)] if names and number % 2 == 0 else name] = value
        if self.content_type.startswith("multipart"):
            return (
                b"".join(
                    b'--b\r\nContent-Disposition: form-data; name="'
                    + name.encode()
                    + b'"\r\n\r\n'
                    + value
                    + b"\r\n"
                    for name, value in values.items()
                )
                + b"--b--\r\n"
            )
        return urlencode(values).encode()


def _headers(raw: dict[str, bytes]) -> dict[str, str]:
    # A server refuses line ends and NUL in a header itself, and gives it as latin-1.
    clean = {
        name: value.translate(None, b"\r\n\x00")[:8_000].decode("latin-1") for name, value in raw.items()
    }
    if not clean.get("CONTENT_LENGTH", "1").isdecimal():
        clean.pop("CONTENT_LENGTH")  # gunicorn answers that itself
    return clean


requests = st.builds(
    Hostile,
    method=st.sampled_from(METHODS),
    query=_query,
    fields=_query,
    content_type=st.sampled_from(TYPES),
    raw_body=st.one_of(st.none(), st.none(), _bytes),
    headers=st.dictionaries(
        st.sampled_from(HEADERS), st.one_of(st.sampled_from(ADDRESSES), _bytes), max_size=4
    ).map(_headers),
    path_bit=st.one_of(st.none(), st.none(), st.none(), _bytes),
    proxies=st.integers(0, 2),
)
