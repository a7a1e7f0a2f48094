"""Who gets which answer where: every named route, every kind of person, every method.

Read it as the portal's promise. A row says for one method which kinds get which status; whoever isn't
named gets ``otherwise``. Objects in the addresses are Rita's.
"""

from __future__ import annotations

from tests.web.kinds import OVERSEERS, Route
from tests.web.matrix_access import ACCESS
from tests.web.matrix_duties import DUTIES

ROUTES: dict[str, Route] = {**ACCESS, **DUTIES}

#: Every address of Django's admin: looked at by those elevated to it, and by nobody changed.
ADMIN = Route(get={200: OVERSEERS}, otherwise=403)
NO_ROW = Route(get={404: OVERSEERS}, otherwise=403)
#: A session's key would sign in whoever reads it.
NEVER_SHOWN = Route(get={}, otherwise=403)
