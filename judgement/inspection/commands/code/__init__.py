"""Code of other languages than the shell's: where it stands in a call, and what it would do."""
