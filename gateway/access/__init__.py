"""Who may come in, as whom, until when: from a request with a reason to its end.

models       what is asked, decided, granted and issued; states and moves as tables
permissions  may(person, action, subject): every question of permission is answered here
requests     the life of a request: what may be asked, when it is approved
grants       the life of a grant: when it begins, when it ends, who ended it
keys         signing keys by id
tokens       the JWT a person shows at the door: minted and verified
people       names, groups, login credentials
door         whether a good token, its grant and its person let somebody in
facts        changes as the record words them
errors       what is refused, and what to do next
store        the port to what is kept (gateway.storage implements it)
office       what every part of the service works with: store, clock, terms, record, listeners
asking       the part that takes requests
deciding     the part where reviewers decide
granting     the part that keeps grants
service      Access: the one that joins them and keeps the order record, store, effect
"""
