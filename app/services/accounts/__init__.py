"""Users, passwords, sessions and tokens.

Cookies and headers belong to api/auth.
"""
