"""Settings from the environment, read and checked once at start.

Nothing here may import an adapter, a service or Flask.
"""
