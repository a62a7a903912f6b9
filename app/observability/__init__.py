"""Logs and metrics of all processes.

Nothing here may import a package that logs.
"""
