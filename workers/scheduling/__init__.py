"""Which windows are recognised next, and together.

Pure: time is an argument, nothing here waits, knows a clock or a thread. `Scheduler` is the whole
of it; the modules beside it hold one rule each.
"""
