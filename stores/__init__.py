"""What lasts: bearer tokens, keys and audit records, on this machine's disk."""
