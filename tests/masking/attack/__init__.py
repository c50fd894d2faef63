"""An executed attack suite: a database full of canaries, its twin, and files of cases, one a line.

schema.sql   the database; canaries stand in every cell that is masked
stage.py     builds it twice, alike but for what masks hide, and says what each role may do
run.py       judges a case and runs what was allowed on both twins, as text and as binary
*.sql        the cases, by class; honest.sql holds what must not be refused
"""
