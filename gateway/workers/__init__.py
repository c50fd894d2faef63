"""Several processes behind one port, for machines with cores to spare.

supervisor  accepts, passes connections on, answers who may come in, and restarts who ended
process     a worker: a data plane and a record of its own
remote      what a worker asks the supervisor
link        the socket between the two
messages    what is said on it
watched     one worker, as the supervisor sees it
"""
