"""A package, so that its world is made once and gone after its last test."""
