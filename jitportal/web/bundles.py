"""What every page takes, joined: one style sheet and one script, so that a first visit asks for few files.

The sources in ``static/`` stay parted by subject, and each is a file that a browser can load too. This finder
joins them: into the collected files in production, where they get a hash and are compressed like any other;
into what whitenoise and the tests' server find elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.files.storage import FileSystemStorage

#: Joined file -> its sources, in the order of the cascade: a page's own styles come after all of these.
BUNDLES = {
    "bundles/portal.css": (
        "tokens.css",
        "ground.css",
        "frame.css",
        "parts.css",
        "lists.css",
        "forms.css",
        "story.css",
        "palette.css",
        "modes.css",
        "desk.css",
    ),
    "bundles/portal.js": ("jitportal.js", "palette.js", "typed.js"),
}


class BundleFinder(BaseFinder):
    """Finds the joined files; they are written where the portal keeps its data, whenever a source changed."""

    def __init__(self, *_args: Any, **_options: Any) -> None:
        self.storage = FileSystemStorage(location=settings.DATA_DIR / "bundled")

    def check(self, **_options: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **_options: Any) -> Any:
        """The joined file's place on disk, if it is one of ours."""
        if path not in BUNDLES:
            return []
        place = str(self._joined(path))
        return [place] if find_all else place

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """Each joined file, with the storage that has it."""
        for path in BUNDLES:
            if not matches_patterns(path, ignore_patterns or ()):
                self._joined(path)
                yield path, self.storage

    def _joined(self, path: str) -> Path:
        sources = [Path(str(finders.find(name))) for name in BUNDLES[path]]
        text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
        place = Path(self.storage.path(path))
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            _write(place, text)
        return place


def _write(place: Path, text: str) -> None:
    """In one step: several processes of the portal may do so at the same time."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="utf-8", dir=place.parent, delete=False) as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(place)
