"""What people type.

main     the root command, and where every other is mounted
client   the HTTPS API, as calls
profile  who is signed in where: login.toml
output   tables for people, JSON for programs, and how a command stops
sign_in  login, whoami
ask      targets, request, requests, approve, deny, cancel
hold     grants, revoke, token
connect  from nothing to a psql prompt
people   user add, list, lock, …: on the gateway's host

Exit codes: 0 done, 1 refused, 2 wrong use, 3 not signed in, 4 the gateway cannot be reached,
5 waited in vain.
"""
