"""The Celery process: its application, its heartbeat, and the reconciler.

Work that a message wakes belongs to tasks.
"""
