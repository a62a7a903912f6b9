"""HTTP: one module of routes for each noun. Handlers check input, call one service, and shape its answer.

No SQL and no database session here; nothing below may import this room.
"""
