"""Is the theory true here? Every claim of docs/theory.md, checked on instances.

verification.py      `verify`: all claims at one point
random_instances.py  `verify_random`: all claims on many random instances
claims/              one file a topic, one small function a claim
"""
