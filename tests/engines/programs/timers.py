import select
import signal
import time

fired = []
signal.signal(signal.SIGALRM, lambda *_: fired.append(time.monotonic()))
signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
started = time.monotonic()


def check():
    # The clock never goes backwards, and a periodic timer of Init goes on.
    before = len(fired)
    now = time.monotonic()
    select.select([], [], [], 0.7)
    time.sleep(0.1)
    if now < started:
        return f"monotonic clock went back: {started} {now}"
    if time.time() < 1_700_000_000:
        return "wall clock"
    return "ok" if len(fired) > before else "the timer stopped"
