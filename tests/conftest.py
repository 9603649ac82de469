"""What all tests share: how hypothesis works here."""

from hypothesis import HealthCheck, settings

# Repeatable: the same examples each time, whoever runs it, and no clock that fails a slow machine. To look
# further, run with `--hypothesis-profile=search`.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("search", settings.get_profile("repeatable"), derandomize=False, max_examples=2_000)
settings.load_profile("repeatable")
