"""The main job: explicit and simulated lifting at published settings, and what holds there.

comparison.py  both sides on instances, order by order, as rows and as a table
findings.py    what the exact computation says about the settings, in words
printed.py     numbers printed by the authors, to be compared with what is computed
"""
