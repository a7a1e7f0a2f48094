"""The guards: triggers that refuse what no path around the operations may do."""


def connect() -> None:
    """Install the guards after every migration."""
