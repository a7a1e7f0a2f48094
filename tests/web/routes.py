"""Every named route of the portal, found by walking the resolver."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def walked(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every named route of the resolver, with its namespace."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = ":".join(part for part in (namespace, pattern.namespace or "") if part)
            yield from walked(pattern.url_patterns, inner)
        elif pattern.name:
            yield ":".join(part for part in (namespace, pattern.name) if part), pattern


NAMED = dict(walked(get_resolver().url_patterns))
