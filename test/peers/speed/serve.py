"""What the Python sides of the comparisons share: requests answered one by one, and the time of a call."""

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any


def milliseconds(step: Callable[[], Any], least: float) -> float:
    """Per call, over at least so many milliseconds."""
    start = time.perf_counter()
    calls = 0
    while True:
        step()
        calls += 1
        passed = 1000 * (time.perf_counter() - start)
        if passed >= least:
            return passed / calls


def serve(worker: Any) -> None:
    """One request a line on stdin, for the method that its "do" names; one answer a line on stdout, both JSON."""
    warnings.simplefilter("ignore")
    # Libraries print; answers must stay alone.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request["do"])(request)
        except Exception as error:  # the other side prints it and goes on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
