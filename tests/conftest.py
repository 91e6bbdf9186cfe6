"""Settings of all tests: hypothesis profiles, and no leftovers of the person's own set-up."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "dev", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=200)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

for name in [name for name in os.environ if name.startswith("ALFAVOICE_")]:
    if name not in {"ALFAVOICE_SHARED", "ALFAVOICE_TEST_CACHE"}:
        del os.environ[name]
os.environ.pop("DATABASE_URL", None)
