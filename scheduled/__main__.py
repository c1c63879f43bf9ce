"""`python -m scheduled` is the command `scheduled`."""

from scheduled.cli import main

if __name__ == "__main__":
    main(prog_name="scheduled")
