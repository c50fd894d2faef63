"""The whole story, played by itself: each chapter acts with real clients and checks what came of it.

cast       what the chapters share: the stage, the narrator, grants and tokens
asking     a request with a reason, an approval by somebody else, a token
working    psql, asyncpg and pgbench work as if there were no gateway
door       whoever should not get in does not
masking    no raw value comes out
refusals   what the role may not run is refused, and the session lives on
ending     the grant ends in the middle of a query; a revocation does the same
record     what happened can be listed, replayed, and proved unchanged
play       the chapters in their order
"""
