"""Ablations: one evaluation over combinations of its settings, in a store that survives anything.

settings.py    the settings of an evaluation as a pydantic model, and refusals in our words
evaluations.py what an evaluation is, and how it is called
point.py       the settings that lead to a stationary point X̂
facts.py       what is known there and after an escape, and the notes of a row
shipped.py     the evaluations that come with the toolkit; path.py the largest of them
success.py     success rates on perturbed completion
oracle.py      saddle orders at X̂, and what every escape makes of it
sweep.py       evaluations and settings as tasks; grids/ the shipped ones as TOML
own_problem.py the same for one problem of your own, as `ablate` takes it
store.py       rows in SQLite; store_file.py what is no store; rows.py their types
session.py     whether a process still lives
run.py         claim, evaluate, keep
workers.py     the processes; limits.py seconds and bytes of a row; cluster.py is dask lost?
rivals.py      rivals side by side; rival_grids.py, rival_runs.py, stored_instances.py
export.py      the rows as flat records
"""
