"""Waiting for something to become true."""

import time


def until(condition, seconds=10.0, what="", interval=0.02):
    """Returns the first true value of condition(); TimeoutError after `seconds`.

    Exceptions of OSError and AssertionError count as "not yet"; the last one is in the message.
    """
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (OSError, AssertionError) as error:
            last = error
        if time.monotonic() > deadline:
            name = what or getattr(condition, "__name__", "condition")
            raise TimeoutError(f"not within {seconds} s: {name} (last: {last!r})")
        time.sleep(interval)
