"""Coverage-guided fuzzing of everything that decodes bytes of a stranger (atheris over libFuzzer).

`python -m tests.fuzz` runs all targets for a while; test_fuzz.py runs each of them briefly.
"""
