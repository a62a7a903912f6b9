"""Requests and responses on the wire, as marshmallow schemas.

No decisions and no SQL here.
"""
