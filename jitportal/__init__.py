"""A self-hosted portal for just-in-time access."""

__version__ = "0.1.0"
