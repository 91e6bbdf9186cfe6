"""The forms that most queries of the dashboards have."""

from monitoring.panels import Query


def rate(metric: str, *, by: str = "") -> str:
    """Give the growth of a counter a second, by labels or in all."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}[$__rate_interval]))"


def quantile(share: float, histogram: str, *, by: str = "") -> str:
    """Give a quantile of a histogram, by labels or over all."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', by=labels)})"


def quantiles(histogram: str) -> tuple[Query, ...]:
    """Give the median, p95 and p99 of a histogram."""
    return tuple(
        Query(promql=quantile(share, histogram), legend=legend)
        for share, legend in ((0.5, "median"), (0.95, "p95"), (0.99, "p99"))
    )


def one(promql: str, legend: str) -> tuple[Query, ...]:
    """Give the only query of a panel."""
    return (Query(promql=promql, legend=legend),)
