"""Waiting and computing in one process: thread pools, deadlines, fair limits.

Nothing of the product may come in here: these modules import no other room.
"""
