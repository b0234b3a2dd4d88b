"""How often the judgement is right, over the corpora: `make judge`."""
