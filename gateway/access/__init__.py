"""Who may come in, why, and until when.

models       requests, approvals, grants, tokens: frozen values and their state tables
permissions  may this person do this? -> Allowed | Denied(reason); default deny
requests     the rules of asking and approving
grants       the rules of a grant's life
tokens       RFC 7519 tokens for an approved grant (EdDSA)
keys         the keys that sign them
store        the port that a storage must fill
service      the use cases: rules, store and record joined
"""
