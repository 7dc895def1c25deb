"""How bench/python_envs.py measures, in its own process and in those of peers."""

import multiprocessing
import os
import time


def processor_time():
    """s of all threads of this process and of the children that multiprocessing started."""
    total = time.process_time()
    for child in multiprocessing.active_children():
        with open(f"/proc/{child.pid}/stat") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


CLOCKS = {"perf_counter": time.perf_counter, "processor_time": processor_time}


def rate(step, count, seconds, clock):
    """Calls of step for `seconds`, times count, a second of the clock."""
    step()
    n, began, wall = 0, clock(), time.perf_counter()
    while time.perf_counter() - wall < seconds:
        step()
        n += 1
    return n * count / (clock() - began)
