-- Who has logged in by single sign-on, until the login ends. Roles and traits are JSON; times are unix seconds.
CREATE TABLE sso_users (
    name TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    roles TEXT NOT NULL,
    traits TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
