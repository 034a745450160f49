"""The published figures from our own runs, and one report of where numbers differ.

reproduce.py   `reproduce`: the parts of a run, written as they are made
runs.py        one instance with the runs that its figures and comparisons need
summary.py     what the page opens with
sections.py    landscape, panels and lifted paths; phases.py: phase diagrams;
measured.py    success rates and cost
lifted_differences.py, matrix_differences.py   printed against computed
report.py      the page, from report.html (Jinja2) and report.css
"""
