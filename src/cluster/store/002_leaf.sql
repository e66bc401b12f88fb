-- Tokens for joining (their SHA-256 only), the clusters that joined this one, and the clusters this one has joined.
CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE TABLE remote_clusters (
    name TEXT PRIMARY KEY,
    host_authority TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    joined INTEGER NOT NULL,
    last_heartbeat INTEGER NOT NULL
) STRICT;
CREATE TABLE trusts (
    root TEXT PRIMARY KEY,
    host_authority TEXT NOT NULL,
    user_authority TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    joined INTEGER NOT NULL
) STRICT;
