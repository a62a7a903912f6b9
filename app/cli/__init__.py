"""The operator's commands, ``flask --app wsgi …``: they parse options, call services or sources, and print.

No SQL here; only ``create_app`` and the launcher may import this package.
"""
