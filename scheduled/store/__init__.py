"""Every query, as sentences. The only package that opens a connection or a session."""
