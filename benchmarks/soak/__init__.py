"""`make soak`: a long stay of real daemons, under all that happens to them, and the ledger's account."""
