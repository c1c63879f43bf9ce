"""How long a test waits for what should come at once."""

PATIENCE = 40.0
"""In seconds. A busy machine is no fault; and it is less than the jobs sleep that are to be interrupted."""
