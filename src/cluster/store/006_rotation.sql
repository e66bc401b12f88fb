-- Rotations of authorities: the phase of each kind, and the authority that takes the place of the present one.
CREATE TABLE rotations (
    kind TEXT PRIMARY KEY,
    phase TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;
CREATE TABLE next_authorities (
    kind TEXT PRIMARY KEY,
    cert TEXT NOT NULL,
    key TEXT NOT NULL
) STRICT;
