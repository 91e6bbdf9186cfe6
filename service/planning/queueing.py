"""How long work waits for one of several equal servers. Pure.

Arrivals are taken for random (Poisson), which many people dictating independently are. The formulas
are exact for one thing and approximations for the rest; `tests/planning` holds them against a
simulation.
"""

import math
from typing import Final

LARGEST_SEARCHED: Final = 100_000
"""Servers; beyond that nobody plans with this."""


def erlang_c(servers: int, offered: float) -> float:
    """Give the probability that an arrival must wait (Erlang 1917; exact for M/M/c).

    Args:
        servers: at least 1.
        offered: work that arrives in the time a server needs for one, in erlangs; below `servers`.

    Raises:
        ValueError: more work arrives than can be done.
    """
    if not 0 <= offered < servers:
        raise ValueError("more work arrives than the servers can do")
    # Erlang B by its recursion, which neither overflows nor loses digits, then C from B.
    lost = 1.0
    for count in range(1, servers + 1):
        lost = offered * lost / (count + offered * lost)
    return lost / (1 - offered / servers * (1 - lost))


def wait_quantile_s(
    quantile: float, *, servers: int, arrivals_per_s: float, service_s: float, variation: float
) -> float:
    """Give how long at most that share of arrivals waits, in seconds.

    Who has to wait at all (`erlang_c`) waits for an exponentially distributed time, exact where
    service times are exponential. Where they vary less, waits are shorter by (1 + v) / 2, v being
    their squared coefficient of variation: 0 for equal ones (M/D/c), 1 for exponential ones (Lee and
    Longton 1959, in the form of Allen and Cunneen).

    Args:
        quantile: such as 0.95.
        servers: at least 1.
        arrivals_per_s: of all together.
        service_s: mean time that one takes a server.
        variation: squared coefficient of variation of that time.

    Raises:
        ValueError: more work arrives than can be done.
    """
    waits = erlang_c(servers, arrivals_per_s * service_s)
    if waits <= 1 - quantile:
        return 0.0
    emptying_per_s = servers / service_s - arrivals_per_s
    return math.log(waits / (1 - quantile)) / emptying_per_s * (1 + variation) / 2


def busiest(mean: float) -> float:
    """Give how many there are at once in all but one of a thousand moments, for so many on average.

    The number at once is Poisson distributed when many come independently; its 99.9 % is close to the
    mean and 3.1 standard deviations.
    """
    return mean + 3.1 * math.sqrt(mean)
