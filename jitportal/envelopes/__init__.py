"""Sealed emergency credentials: an envelope file that any M of N custodians open together, offline.

Stands by itself: no Django, no settings, no database. ``python -m jitportal.envelopes`` runs it where there
is nothing of the portal but this folder, cryptography and pycryptodome. See docs/emergency-envelopes.md.
"""
