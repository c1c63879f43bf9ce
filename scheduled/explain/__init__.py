"""`why`: what became of an instant, and what caused it, in sentences."""
