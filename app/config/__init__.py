"""Settings from the environment, read and checked once at the start.

Nothing here may import an adapter, a service or Flask.
"""
