"""What the operator wished: two TOML files, read once, checked whole, frozen.

problems     Problem and ConfigError: every mistake at once, with its file, line and dotted path
lines        where each key stands in a TOML file
durations    "30m" -> 1800 seconds
secrets      SecretReference: `file:…` and `env:…`; a secret itself never stands in a file of ours
settings     the settings file: sections and their fields
policy_file  the policy file: roles, relations, classification
shape        what may stand where, asked of the models
environment  PGCURFEW__SECTION__FIELD over the settings file
load         the two doors: load_settings(path), load_policy(path)
"""
