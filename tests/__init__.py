"""Tests mirror the tree: tests/<package>/test_<file>.py; support/ holds what they stand on."""
