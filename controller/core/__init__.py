"""Pure decisions: `plan(desired, observed, now)` and what the status says. No clock, no I/O, no environment."""
