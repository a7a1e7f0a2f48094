"""Which models auditlog records; every other installed model stands in ``EXEMPT`` with a reason."""


def register() -> None:
    """Register every audited model with auditlog."""
