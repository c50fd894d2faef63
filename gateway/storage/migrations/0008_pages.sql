-- Lists go on behind the last one that was seen, by time and id.

DROP INDEX requests_by_time;
CREATE INDEX requests_by_time ON requests (asked_at, id);
DROP INDEX grants_by_time;
CREATE INDEX grants_by_time ON grants (starts_at, id);

-- Of a hundred thousand only a few are open, and those are what is looked at all day.
CREATE INDEX requests_open_by_time ON requests (asked_at, id) WHERE state = 'pending';
CREATE INDEX grants_open_by_time ON grants (starts_at, id) WHERE revoked_at IS NULL AND ended_at IS NULL;
