"""Is the theory true here? Every claim of docs/theory.md, checked on instances.

verification.py      `verify`: the claims at one point
result.py            `Verification`, what it returns
random_instances.py  `verify_random`: the claims on many random instances
random_result.py     `RandomVerification`, what that returns
report.py            both as text: first what does not hold
choice.py            claims by their ids
claims/              one file a topic, one small function a claim
"""
