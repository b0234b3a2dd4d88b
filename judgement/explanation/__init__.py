"""A recorded decision told to a person: who asked, what each layer said and why, and what would have to change."""

from .call import KINDS, explain
from .relation import relation, threads

__all__ = ["KINDS", "explain", "relation", "threads"]
