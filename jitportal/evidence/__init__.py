"""What an evidence file is. ``verify`` stands alone: each file holds it, and it needs Python alone."""
