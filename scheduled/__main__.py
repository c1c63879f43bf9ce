"""`python -m scheduled` is the command `scheduled`."""

from scheduled.cli import entry

if __name__ == "__main__":
    entry()
