"""What makes the workers' tests quick."""

import pytest

from backend.workers import housekeeping


@pytest.fixture(autouse=True)
def quick_publishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish health, and take requests, without making a test wait a second for it."""
    monkeypatch.setattr(housekeeping, "TICK", 0.05)
