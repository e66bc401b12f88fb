-- What the first cluster kept: authorities, credentials, settings.
CREATE TABLE authorities (kind TEXT PRIMARY KEY, cert TEXT NOT NULL, key TEXT NOT NULL) STRICT;
CREATE TABLE credentials (user TEXT PRIMARY KEY, password_hash TEXT NOT NULL, totp_key TEXT NOT NULL,
                          last_code TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
