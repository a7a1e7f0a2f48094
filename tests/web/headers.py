"""What every answer must carry."""

from __future__ import annotations

from django.http.response import HttpResponseBase

EXACTLY = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

#: One page plays recordings by compiled code, which the others forbid.
WITH_THE_PLAYER = STRICT.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")


def missing_headers(
    answer: HttpResponseBase, *, cached: bool = False, revalidated: bool = False, plays: bool = False
) -> list[str]:
    """What is missing or wrong, in words. ``cached``: a file, which a cache may keep. ``revalidated``: one
    that is asked for again each time. ``plays``: the page that plays recordings.
    """
    said = answer.headers
    wrong = [f"{name}: {said.get(name)}" for name, value in EXACTLY.items() if said.get(name) != value]
    if said.get("Content-Security-Policy") != (WITH_THE_PLAYER if plays else STRICT):
        wrong.append(f"Content-Security-Policy: {said.get('Content-Security-Policy')}")
    refused = said.get("Permissions-Policy", "")
    for feature in ("camera", "geolocation", "microphone", "payment", "usb"):
        wrong += [] if f"{feature}=()" in refused else [f"Permissions-Policy lacks {feature}"]
    if revalidated and answer.status_code in (200, 304) and said.get("Cache-Control") == "no-cache":
        return wrong
    if not cached and "no-store" not in said.get("Cache-Control", ""):
        wrong.append(f"Cache-Control: {said.get('Cache-Control')}")
    if said.get("Server", "jitportal") != "jitportal" or "X-Powered-By" in said:
        wrong.append("names what serves it")
    return wrong
