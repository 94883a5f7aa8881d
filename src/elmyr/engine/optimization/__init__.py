"""Steps of optimizers, their schedule, and moving averages of weights."""
