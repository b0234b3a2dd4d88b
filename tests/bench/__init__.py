"""What the system costs, measured: `python -m tests.bench`, or `make bench`. `docs/performance.md` says how to read it.

One module a figure: `echo`, `hops`, `embedding`, `startup`, `memory`. Each has `measure(run) -> (figures, bounds)`.
"""
