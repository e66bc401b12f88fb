-- Locks as documents; database users that are in service, to be taken out of it whatever happens to the process.
CREATE TABLE locks (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE journal (host TEXT NOT NULL, port INTEGER NOT NULL, user TEXT NOT NULL, entry TEXT NOT NULL,
                      since INTEGER NOT NULL, PRIMARY KEY (host, port, user)) STRICT, WITHOUT ROWID;
-- Failed logins of known users: unix seconds, comma separated; the end of the pause they brought, 0 for none.
CREATE TABLE failures (user TEXT PRIMARY KEY, at TEXT NOT NULL, locked_until INTEGER NOT NULL) STRICT;
