"""How long things last in a drill: the one place where it sleeps."""

import time


def sleep_for(seconds: float) -> None:
    """A fault lasts, or a user thinks, for so long: that is what is drilled, as its sentence says.

    Nothing is hoped for meanwhile. What has to come true is awaited by ``wait_until``, and what must not happen is
    looked for when the time is over.
    """
    time.sleep(seconds)
