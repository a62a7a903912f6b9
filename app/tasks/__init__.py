"""Celery tasks: each receives a message and calls one service.

No SQL here; services send messages, too.
"""
