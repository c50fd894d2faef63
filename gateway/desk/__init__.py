"""The desk of those who write policy: what could be classified, what was expected, who sees what.

Pure functions over a policy and a catalog, apart from `targets` and `sampling`, which ask a database.

- targets, catalog_file: what a target's database looks like, now or as it was saved
- kinds, names, values: what a column is likely to hold, by its name, its type and shares of its values
- sampling, origins: bounded samples, and which plain columns a view shows
- proposal, patch: a classification with reasons, as lines of the policy file
- expectations: role and statement against the expected verdict
- findings, host_checks, target_checks: is an installation fit to run, and what to do where it is not
- outlook, page: who can see what, as data and as one HTML page
"""
