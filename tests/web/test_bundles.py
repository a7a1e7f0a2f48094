"""What every page takes is one style sheet and one script, joined from sources parted by subject."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings

from jitportal.web.bundles import BUNDLES, BundleFinder

STATIC = Path(settings.BASE_DIR) / "static"


@pytest.mark.parametrize("path", BUNDLES)
def test_all_sources_come_in_their_order(path: str) -> None:
    answer = Client().get(f"/static/{path}")
    served = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # whitenoise sends a file
    assert served == "\n".join((STATIC / name).read_text(encoding="utf-8") for name in BUNDLES[path])


def test_a_changed_source_is_joined_anew(tmp_path: Path) -> None:
    for name in BUNDLES["bundles/portal.js"]:
        (tmp_path / name).write_text(f"// {name}\n", encoding="utf-8")
    with override_settings(DATA_DIR=tmp_path / "data", STATICFILES_DIRS=[tmp_path]):
        finder = BundleFinder()
        assert "// palette.js" in Path(finder.find("bundles/portal.js")).read_text(encoding="utf-8")
        (tmp_path / "palette.js").write_text("// another\n", encoding="utf-8")
        assert "// another" in Path(finder.find("bundles/portal.js")).read_text(encoding="utf-8")


def test_they_are_collected_with_a_hash_and_compressed(tmp_path: Path) -> None:
    production = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=settings.STORAGES | production):
        call_command("collectstatic", "--no-input", "--ignore", "admin", "--ignore", "a*ciinema", verbosity=0)
    collected = json.loads((tmp_path / "staticfiles.json").read_text(encoding="utf-8"))["paths"]
    for path in BUNDLES:
        assert re.fullmatch(r"bundles/portal\.[0-9a-f]{12}\.(css|js)", collected[path])
        assert (tmp_path / f"{collected[path]}.gz").is_file()


def test_each_style_sheet_and_script_is_on_some_page() -> None:
    templates = "".join(
        page.read_text(encoding="utf-8") for page in Path(settings.BASE_DIR).glob("templates/**/*.html")
    )
    known = {name for names in BUNDLES.values() for name in names}
    known |= set(re.findall(r'{% static "([\w./]+)" %}', templates))
    assert {path.name for path in STATIC.glob("*.*s*")} - {"icon.svg"} <= known
