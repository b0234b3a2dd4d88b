"""Pure decisions: rates, roles, redaction, breakers. No IO, no clock of its own; state and time in, verdicts out."""
