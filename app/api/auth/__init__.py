"""The user behind a request: session cookie, token, and the limits on a user's or an address's attempts.

Passwords and credentials themselves live in services/accounts; no routes here.
"""
