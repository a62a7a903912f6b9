"""The embedded PostgreSQL and Redis of a single machine, and the data folder that holds their files.

Nothing here may import settings, models or services; paths come as arguments.
"""
