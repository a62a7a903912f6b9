"""The PostgreSQL and Redis of a single machine, and the data folder that they live in.

Nothing here may import settings, models or services; paths come as arguments.
"""
