"""``make run``: the supervisor of all processes on one machine.

No request, task or rule of the product may come in here.
"""
