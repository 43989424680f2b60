import queue
import threading

requests, answers = queue.Queue(), queue.Queue()
lock = threading.Lock()
lock.acquire()
counts = [0] * 8


def work(number):
    while True:
        requests.get()
        counts[number] += 1
        answers.put(threading.get_ident())


threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(8)]
for thread in threads:
    thread.start()


def check():
    for _ in range(100):
        requests.put(1)
    for _ in range(100):
        answers.get(timeout=5)
    if sum(counts) != 100:
        return f"counted {counts}"
    return "ok" if lock.locked() and all(thread.is_alive() for thread in threads) else "a thread or a lock was lost"
