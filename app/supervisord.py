"""supervisord itself, made to outlive whoever reads its output.

Run by its path and not as a module of the package, whose loading would cost it seconds and memory for nothing.
"""

from supervisor import loggers, supervisord


def _drop_line(_handler: loggers.Handler) -> None:
    """What supervisord does with a line that it cannot write. By default it writes a stack trace to the same broken
    pipe, and dies of that before it has stopped anything."""


if __name__ == "__main__":
    loggers.Handler.handleError = _drop_line
    supervisord.main()
