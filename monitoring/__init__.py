"""Monitoring as code: rules, their tests and dashboards, all made from `thresholds.toml`."""
