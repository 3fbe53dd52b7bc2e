"""What a release's profile is made from does run."""

import pytest

import training


def test_everything_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TIMES", 20)
    training.main()
