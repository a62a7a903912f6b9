"""The life of runs. ``transitions`` alone writes a status, by a guarded UPDATE.

Nothing of HTTP or Celery may come in here, except the status that an error carries.
"""
