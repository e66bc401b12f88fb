-- People whom no document describes: `users add`. Roles and traits are JSON.
CREATE TABLE users (name TEXT PRIMARY KEY, roles TEXT NOT NULL, traits TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
