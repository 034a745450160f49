"""The parts of `compare.reproduce`: one published instance, the sections of the report, and the comparisons."""
