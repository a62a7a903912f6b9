"""Waiting and computing of a process: thread pools, deadlines, turns at a limited resource.

Nothing of the product may come in here: these modules import no other room.
"""
