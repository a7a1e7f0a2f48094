"""Pages go out compressed to whoever takes that, and the token in them is never the same twice."""

from __future__ import annotations

import gzip
import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


def page(client: Client) -> str:
    answer = client.get("/sign-in/", headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert answer.headers["Content-Security-Policy"]
    return gzip.decompress(answer.content).decode()


def test_a_page_is_compressed_and_its_token_masked_anew() -> None:
    client = Client()
    first, second = (TOKEN.findall(page(client)) for _ in range(2))
    assert first
    assert first != second


def test_who_takes_no_compression_gets_none() -> None:
    assert "Content-Encoding" not in Client().get("/sign-in/").headers
