"""Honest work through the gateway: the same answers as from PostgreSQL itself.

schema.sql, data.sql, tpch.sql   the market: every kind of relation, every type
policy.toml                      its roles: an analyst behind masks, a writer, a steward who sees everything
stage.py                         the market, its twin (what the analyst may see) and a gateway
compare.py                       one query string sent to both, and how the answers differ
cases/                           what people and their tools send, one statement a line
queries.py                       statements made up by hypothesis

`python -m tests.masking.differential --examples 10000` runs as many made-up statements; with --through and
--direct it runs files of cases against any two DSNs.
"""
