"""A line for each check."""

import contextlib
import sys

_failed = False


@contextlib.contextmanager
def check(who, what):
    """A check that passes unless its block raises."""
    global _failed
    try:
        yield
        print(f"ok   {who}: {what}", flush=True)
    except Exception as error:
        _failed = True
        print(f"FAIL {who}: {what}: {type(error).__name__}: {error}", flush=True)


def expect(actual, expected):
    """Raises unless both are the same."""
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def end():
    """Ends the process: with 1 if any check has failed."""
    sys.exit(int(_failed))
