"""Who may use the admin: its users, their passwords, sessions and API tokens, and what each may do.

Nothing here knows of a web framework. Who answers requests asks `access`, and it asks the store.
"""
