"""How risky an operation is: a score that people can follow, from facts or from words."""

from .call import of_call
from .score import LEVELS, Factor, Operation, Risk, assess
from .text import of_text

__all__ = ["LEVELS", "Factor", "Operation", "Risk", "assess", "of_call", "of_text"]
