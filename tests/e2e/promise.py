"""Promises in time, judged fairly on a busy machine; nothing else asserts how long things take."""

import threading
import time

NAP = 0.005  # Seconds that the measuring thread sleeps at a time.


class Stopwatch:
    """As a context manager: `seconds` is what the block took, without the machine's stalls, which
    are how late a thread woke that slept all the while."""

    def __enter__(self):
        self._stalled = 0.0
        self._ended = threading.Event()
        self._sleeper = threading.Thread(target=self._sleep, daemon=True)
        self._sleeper.start()
        self._begin = time.monotonic()
        return self

    def _sleep(self):
        while not self._ended.is_set():
            begin = time.monotonic()
            time.sleep(NAP)
            late = time.monotonic() - begin - NAP
            if late > NAP:
                self._stalled += late

    def __exit__(self, *_):
        taken = time.monotonic() - self._begin
        self._ended.set()
        self._sleeper.join()
        self.seconds = max(0.0, taken - self._stalled)


def assert_promise(seconds, attempt, tries=4):
    """attempt() does it once and returns the seconds of a Stopwatch; one of a few has to keep the
    promise. What is simply slow fails each time."""
    taken = []
    while not taken or (min(taken) > seconds and len(taken) < tries):
        taken.append(attempt())
    assert min(taken) <= seconds, f"promised within {seconds} s, took {taken}"
