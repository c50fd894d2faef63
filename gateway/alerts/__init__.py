"""What is out of the ordinary, seen as it happens.

sights    what the rules look at: frozen, made from facts
watch     one session's facts, as sights: cheap, because every statement passes
usual     what each person does on a usual day, and how far from it a day is
rules     the policy's alert rules over sights: pure, with the time as an argument
history   the same rules over the record of days that are gone
desk      what happens when a rule fires: the record, the notices, the session's end, the lock
"""
