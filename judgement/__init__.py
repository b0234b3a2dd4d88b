"""Pure decisions: rate, roles, redaction, breakers. No IO and no clock of its own; state and time go in, verdicts out."""
