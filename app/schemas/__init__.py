"""Requests and answers on the wire, as marshmallow schemas.

No decisions and no SQL here.
"""
