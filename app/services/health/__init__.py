"""Heartbeats and the checks behind ``/readyz``.

No other service may come in here, except ``boards``.
"""
