"""The record: who is acting, auditlog's registration, events in words, and the append-only guards."""
