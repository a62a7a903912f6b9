"""Connections to PostgreSQL and the execution of statements.

No table and no rule of the product may come in here.
"""
