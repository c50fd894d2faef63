"""What the gateway costs, side by side with what it stands beside.

place        a PostgreSQL, a gateway with a masked policy, grants and tokens
endpoint     where a client goes, and as whom
service      a program of ours or the distribution's that listens, from start to end
peers        PgBouncer and HAProxy in front of the same PostgreSQL
wire         a client that logs in and then only discards
load         pgbench: rates and latencies
accounting   CPU time and memory, as the kernel accounts them to a process
free         an upstream that costs nothing, for counting log-ins
connects     log-ins per second
judging      what a judgement costs, by itself
cases        what is run, in which order
figures      what is made of it, and the targets
report       the table for people, the JSON for programs, the page for the docs
machine      what it ran on
profile      where the time goes (python -m bench.profile); profiled is the gateway that it runs
"""
