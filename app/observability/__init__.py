"""Logs and metrics of every process.

Nothing here may import a room that logs.
"""
