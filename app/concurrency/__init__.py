"""Waiting and computing in one process: thread pools, time limits, fair semaphores.

Nothing of the product may come in here: these modules import no other room.
"""
