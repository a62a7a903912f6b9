"""How a process waits and computes: thread pools, deadlines, turns at a limited resource.

Nothing of the product may come in here: these modules import no other room.
"""
