"""The record's search: the newest events that pass the filters, at once among millions, or not at all."""

from jitportal.audit.search.finding import find
from jitportal.audit.search.installing import connect, install, problems
from jitportal.audit.search.wanted import Place, TooSlow, Wanted

__all__ = ["Place", "TooSlow", "Wanted", "connect", "find", "install", "problems"]
