"""How long a start takes until the product says that it is ready."""

import time
from statistics import median

from tests.support.product import temporary_folder, temporary_product

STARTS = 3


def measure() -> dict[str, list[float]]:
    """Seconds of first starts, which make the database, and of later ones."""
    first, later = [], []
    for number in range(STARTS):
        print(f"time to ready, {number + 1} of {STARTS}", flush=True)
        with temporary_folder() as folder, temporary_product(folder, measured=False, WEB_WORKERS="2") as product:
            for seconds in (first, later):
                began = time.monotonic()
                product.start()
                seconds.append(time.monotonic() - began)
                product.stop()
    return {"first start": first, "second start": later}


def half(seconds: list[float]) -> float:
    """The median."""
    return median(seconds)
