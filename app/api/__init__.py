"""HTTP: one module of routes for each noun. Handlers validate the input, call one service, and shape its response.

No SQL and no database session here; nothing below may import this package.
"""
