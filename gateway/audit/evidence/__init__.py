"""Everything about one grant, in one signed bundle that an outside auditor verifies by themselves.

bundle       which files go into it, with the manifest and its signature
report       the same for people: one page that prints well
verify       what the auditor runs: Python's own library and openssl, nothing of ours
"""
