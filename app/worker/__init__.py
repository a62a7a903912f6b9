"""The Celery process: its application, its heartbeat, and the reconciler.

Work that a message starts belongs to tasks.
"""
