"""Schedules over the budget: functions of the share of it that is used."""


def decay_factor(progress: float, decay_from: float) -> float:
    """The learning rate's factor at `progress` in [0, 1]: 1 up to `decay_from`, then falling linearly to 0 at 1."""
    return 1.0 if progress <= decay_from else (1 - progress) / (1 - decay_from)
