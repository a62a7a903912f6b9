"""The way to PostgreSQL: connections with time limits, and the one function that executes a statement.
No table, setting, route or task comes in here, and only services execute statements."""
