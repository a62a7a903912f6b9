"""The rules of the product: every use case, and every statement that reads or writes tables.

Nothing of HTTP or Celery may come in here, except an error's status and a task's name.
"""
