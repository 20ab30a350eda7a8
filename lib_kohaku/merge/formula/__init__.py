"""The formula language: text to a syntax tree and back.

::

    # Kohaku XL Gamma rev2, then block weights
    rev2 = beta7 + 1.0*(anxl3 - anxl2) + 0.25*(base8 - beta7)
    weighted_sum(rev2, anxl3, mbw(0,0.1,0.1,0,0.1,0.1,0,0.1,0.1,0,0,0,0,0,0.05,0.05,0.05,0.05,0.05,0.05))

docs/formula.md describes it for users.
"""
