"""How fast and how small: measured against what the machine itself allows. `make bench`."""
