"""Journeys in a real browser, against a running portal and a real server as its target."""
