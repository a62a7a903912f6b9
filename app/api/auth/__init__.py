"""The user behind a request: session cookie, token, and the rate limits on sign-in attempts.

Passwords and credentials themselves live in services/accounts; no routes here.
"""
