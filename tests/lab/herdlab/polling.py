"""Waiting for something to become true, and looking whether it stays so."""

import http.client
import time

# What a condition may raise while it is not true yet: nobody answers, or the answer is an error and
# has not the key that was looked for.
NOT_YET = (OSError, AssertionError, http.client.HTTPException, KeyError, ValueError)


def until(condition, seconds=10.0, what="", interval=0.02):
    """Returns the first true value of condition(); TimeoutError after `seconds`.

    The exceptions of NOT_YET count as "not yet"; the last one is in the message.
    """
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except NOT_YET as error:
            last = error
        if time.monotonic() > deadline:
            name = what or getattr(condition, "__name__", "condition")
            raise TimeoutError(f"not within {seconds} s: {name} (last: {last!r})")
        time.sleep(interval)


def throughout(condition, seconds=3.0, what="", interval=0.05):
    """Asserts that condition() is true again and again for that long: for what must not happen."""
    deadline = time.monotonic() + seconds
    looks = 0
    while looks < 3 or time.monotonic() < deadline:
        value = condition()
        name = what or getattr(condition, "__name__", "condition")
        assert value, f"no longer after look {looks}: {name} ({value!r})"
        looks += 1
        time.sleep(interval)
