"""Celery tasks: each receives a message and calls one service.

No SQL and no publishing here.
"""
