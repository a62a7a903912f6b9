"""supervisord itself, made to outlive whoever reads its output, and to pass on the lines of its programs whole.

Run by its path and not as a module of the package, whose loading would cost it seconds and memory for nothing.
"""

from supervisor import dispatchers, loggers, process, supervisord

LONGEST = 2**18
"""More bytes than this are passed on even though their line has not ended."""

MOST_READINGS = 16
"""Of 128 KiB each; a pipe has 64 KiB, and on machines with large pages 1 MiB."""


class Lines(dispatchers.POutputDispatcher):
    """What a program writes, a line at a time: a line that has not ended waits for its end, however long that takes.

    By default all that there is to read is passed on at once, and the rest of a line then follows after what others
    have written in between.
    """

    output_buffer = b""

    def record_output(self) -> None:
        """Pass on the lines that have ended."""
        whole, end, rest = self.output_buffer.rpartition(b"\n")
        self.output_buffer = rest
        self._log(whole + end)
        if len(rest) > LONGEST:
            self._pass_rest_on()

    def close(self) -> None:
        """Nothing more comes, so what there is of a line is all of it."""
        self._pass_rest_on()
        super().close()

    def _pass_rest_on(self) -> None:
        rest, self.output_buffer = self.output_buffer, b""
        if rest:
            self._log(rest + b"\n")


class Process(process.Subprocess):
    """A program that says its last words."""

    def drain(self) -> None:
        """Read what a program that has ended left in its pipes, which may still be written to by what it started."""
        for _ in range(MOST_READINGS):
            super().drain()
        for dispatcher in self.dispatchers.values():
            dispatcher.close()


def _drop_line(_handler: loggers.Handler) -> None:
    """What supervisord does with a line that it cannot write. By default it writes a stack trace to the same broken
    pipe, and dies of that before it has stopped anything."""


if __name__ == "__main__":
    loggers.Handler.handleError = _drop_line
    # supervisord looks both up by these names: the one when it starts a program, the other when it learns of it.
    dispatchers.POutputDispatcher = Lines
    process.Subprocess = Process
    supervisord.main()
