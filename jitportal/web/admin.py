"""Django's AdminSite with every model, read-only, each object with its history.

Open to those alone who are elevated to it (``Verb.ADMIN_VIEW``). It holds no address that changes
anything: its sign-in, sign-out, password and add and delete pages aren't there at all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib.admin import AdminSite, ModelAdmin, ShowFacets
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils.text import capfirst
from django.views.decorators.http import require_safe

from jitportal.rules.errors import NotAllowed
from jitportal.rules.permissions import Answer, Denied, Verb
from jitportal.web import fetch
from jitportal.web.http import PortalRequest
from jitportal.web.paging import position
from jitportal.web.presenters.history import history_page

if TYPE_CHECKING:
    AnyModelAdmin = ModelAdmin[Model]
    AnyPaginator = Paginator[Any]
else:
    AnyModelAdmin = ModelAdmin
    AnyPaginator = Paginator

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

#: Models that are installed and not registered, each with the reason.
UNREGISTERED = {
    "django_q.Task": "holds pickles: showing one unpickles it, and unpickling runs code",
    "django_q.Success": "holds pickles: showing one unpickles it, and unpickling runs code",
    "django_q.Failure": "holds pickles: showing one unpickles it, and unpickling runs code",
    "django_q.OrmQ": "holds pickles: showing one unpickles it, and unpickling runs code",
    "django_q.Schedule": "schedules: a row of it names any function to run",
}

#: Addresses of Django's own site that sign in, change something or point out of it.
LEFT_OUT = frozenset(
    {"login", "logout", "password_change", "password_change_done", "autocomplete", "view_on_site"}
)

#: So many rows are counted and paged through; the rest is found by filters, or in the record.
MOST_COUNTED = 10_000


class BoundedPaginator(AnyPaginator):
    """Counts no further than ``MOST_COUNTED``: counting a million rows is slower than a page."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[:MOST_COUNTED].count()
        return len(rows)


def _answer(request: HttpRequest) -> Answer:
    """What the rules say of looking at the admin; the powers are read once for a request."""
    return fetch.answer(cast("PortalRequest", request), Verb.ADMIN_VIEW)


class ReadOnlySite(AdminSite):
    """The site: asks the rules who may look, and offers nothing but looking."""

    site_header = "Every row, read-only"
    site_title = "jitportal"
    index_title = "Models"
    final_catch_all_view = False
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated and bool(_answer(request))

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Only reading, and a refusal in the rule's own words, where Django would offer a sign-in."""
        inner = super().admin_view(view, cacheable)

        @require_safe
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated:
                answer = _answer(request)
                if isinstance(answer, Denied):
                    raise NotAllowed(answer.reason)
            return inner(request, *args, **kwargs)

        return cast("View", guarded)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        kept = [
            pattern
            for pattern in super().get_urls()
            if not (isinstance(pattern, URLPattern) and pattern.name in LEFT_OUT)
        ]
        for pattern in kept:
            if isinstance(pattern, URLPattern):
                # LoginRequiredMiddleware sends the anonymous there; Django names its own page.
                vars(pattern.callback).pop("login_url", None)
        return kept

    def get_log_entries(self, *_: object) -> QuerySet[LogEntry]:
        """Nobody acts here, so there are no recent actions to show."""
        return LogEntry.objects.none()


class ReadOnlyAdmin(AnyModelAdmin):
    """A model's rows, to look at and not to touch, and each row's history from the record."""

    #: False: rows are listed, and none is shown by itself.
    shows_rows = True

    actions = None
    view_on_site = False
    list_per_page = 100
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = BoundedPaginator
    object_history_template = "admin/row_history.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return (obj is None or self.shows_rows) and self.admin_site.has_permission(request)

    def has_add_permission(self, *_: object, **__: object) -> bool:
        return False

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False

    def has_delete_permission(self, *_: object, **__: object) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        names = tuple(
            f"{self.opts.app_label}_{self.opts.model_name}_{page}"
            for page in ("changelist", "history", "change")
        )
        kept = [pattern for pattern in super().get_urls() if pattern.name in names]
        for pattern in kept:
            vars(pattern.callback).pop("login_url", None)
        return kept

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One row, as it is. What isn't there is not found, where Django leads back to its index."""
        self._row(request, object_id)
        return super().change_view(request, object_id, form_url, extra_context)

    def _row(self, request: HttpRequest, object_id: str) -> Model:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise NotAllowed("These rows are listed, and not shown one by one.")
        return row

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """What the page's own filters ask for, and no more.

        Django lets an address filter by any column of the model, those that aren't shown too: a session's
        key or a password's hash could be guessed at, character by character.
        """
        offered = any(f"{lookup}__".startswith(f"{name}__") for name in self.list_filter)
        return offered and super().lookup_allowed(lookup, value, request)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The row's events and differences: Django's own log is empty, for nobody acts here."""
        row = self._row(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "subtitle": None,
            "history": history_page(row, after=position(request.GET.get("after", ""))),
            "module_name": capfirst(self.opts.verbose_name_plural),
            "object": row,
            "opts": self.opts,
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.object_history_template, context)
