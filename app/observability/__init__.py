"""The log and the metrics of every process.

Neither makes a process wait, and neither ends one.
"""
