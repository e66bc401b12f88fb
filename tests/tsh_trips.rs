//! What users of tsh trip over: the 28 observations of db-client.md section 18, by number.
//!
//! Each that this program already has a command for has a test here that shows it doing better; [`TRIPS`] is also the table
//! in README.md, which `POSTERN_BLESS=1` renews.

mod help_and_output;
mod refusals;
mod sessions;
mod tunnels;

/// What becomes of an observation here.
enum Here {
    /// Better, in these words; shown by the tests whose names begin with the number.
    Better(&'static str),
    /// Better as far as there is a command for it; the rest comes later.
    Partly(&'static str, &'static str),
    /// Comes later.
    Later(&'static str),
}

use Here::{Better, Later, Partly};

/// Number, what happens with tsh, what happens here.
const TRIPS: [(u8, &str, Here); 28] = [
    (
        1,
        "the second Ctrl+C of a session kills tsh and leaves psql or the query behind",
        Better("Ctrl+C is psql's, however often"),
    ),
    (
        2,
        "after `db login`, Ctrl+C in plain psql does nothing",
        Better("`db login`, `db env` and the service file lead to a tunnel, where it cancels"),
    ),
    (
        3,
        "a refused `--db-user` or `--db-roles` is remembered and fails again",
        Better("checked before anything is issued or remembered"),
    ),
    (
        4,
        "parallel commands destroy each other's certificates",
        Better("files are replaced whole, under a lock"),
    ),
    (
        5,
        "every command asks the terminal for its background colour and may wait 5 s",
        Better("the terminal is never asked"),
    ),
    (
        6,
        "the reason gets lost: `server closed the connection unexpectedly`",
        Better("certificate first, psql second; later failures are PostgreSQL errors with a hint"),
    ),
    (
        7,
        "`connection refused` does not say whose",
        Better("the hop is named"),
    ),
    (
        8,
        "an unknown `--cluster` is `handshake failed: EOF`; a leaf's database is just not found",
        Better("the known clusters are named, and the flag is proposed"),
    ),
    (
        9,
        "an expired login has a different text in each command",
        Better("one text with the command to run, one exit code: 10"),
    ),
    (
        10,
        "a tunnel on a terminal blocks its clients behind a password prompt",
        Better("clients get an error, the tunnel recovers after the next login"),
    ),
    (
        11,
        "`proxy db` says \"Started\" before anything was checked",
        Better(
            "user, roles and second factor are checked first, `--check` tries the database; one line of JSON when ready",
        ),
    ),
    (
        12,
        "the tunnel is open to every local user",
        Later("an ownership check of the tunnel's clients"),
    ),
    (
        13,
        "two sessions with different roles conflict, and the text blames the role",
        Better(
            "the error says which roles the open session has and what to do; `db ps` lists one's own sessions, `db cancel` ends them",
        ),
    ),
    (
        14,
        "user and database name are asked for one after the other",
        Better("both at once, with what is allowed"),
    ),
    (
        15,
        "the exit status is 1 whatever psql's was",
        Partly("psql's own", "`db exec`"),
    ),
    (
        16,
        "help goes to stderr; a mistyped flag prints 60 lines",
        Better("help on stdout, mistakes in one line and a pointer"),
    ),
    (
        17,
        "tables are cut in pipes, names on terminals",
        Better("neither"),
    ),
    (
        18,
        "two databases with the same displayed name",
        Better("the full name wherever the short one is not unique"),
    ),
    (
        19,
        "errors in `--query` do not mention it",
        Better("the flag, the column, an example"),
    ),
    (
        20,
        "arguments that begin with `@` are files",
        Partly("they are arguments", "`db exec`"),
    ),
    (21, "no arguments for psql", Better("everything after `--`")),
    (
        22,
        "with `-i`, `db login` and `db connect` do not work",
        Better("all commands work: there is always a tunnel"),
    ),
    (
        23,
        "`--listen [::1]:0` is refused; the printed address is not the bound one",
        Better("works, and the bound address is printed"),
    ),
    (
        24,
        "`PG*` variables leak into the session; `%` and `?` in names are mangled",
        Better("every parameter is set, names are taken literally"),
    ),
    (
        25,
        "certificates without a database user cannot cancel",
        Better("certificates always name the user"),
    ),
    (
        26,
        "messages of psql come out of order",
        Better("psql keeps its stderr"),
    ),
    (
        27,
        "`db logout` with nothing to do reports success",
        Better("it says that there was nothing"),
    ),
    (
        28,
        "a deleted database stays selected",
        Better("it is forgotten with a note"),
    ),
];

const BEGIN: &str = "<!-- trips: made from tests/tsh_trips.rs -->\n";
const END: &str = "<!-- end of trips -->";

fn table() -> String {
    let mut out = String::from("| | with tsh | with postern |\n|---|---|---|\n");
    for (number, tsh, here) in &TRIPS {
        let here = match here {
            Better(text) => (*text).to_owned(),
            Partly(text, later) => format!("{text}; later: {later}"),
            Later(later) => format!("later: {later}"),
        };
        out.push_str(&format!("| {number} | {tsh} | {here} |\n"));
    }
    out
}

#[test]
fn the_readme_has_this_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("README.md");
    let (before, rest) = readme.split_once(BEGIN).expect("the place for the table");
    let (old, after) = rest.split_once(END).expect("its end");
    if std::env::var_os("POSTERN_BLESS").is_some() {
        let fresh = format!("{before}{BEGIN}{}{END}{after}", table());
        std::fs::write(path, fresh).expect("written");
        return;
    }
    assert_eq!(
        old,
        table(),
        "README.md is stale: POSTERN_BLESS=1 renews it"
    );
}

#[test]
fn every_observation_has_a_test_or_a_reason() {
    let numbers: Vec<u8> = TRIPS.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=28).collect::<Vec<u8>>());
    let sources = [
        include_str!("tsh_trips/help_and_output.rs"),
        include_str!("tsh_trips/refusals.rs"),
        include_str!("tsh_trips/sessions.rs"),
        include_str!("tsh_trips/tunnels.rs"),
    ]
    .concat();
    for (number, _, here) in &TRIPS {
        let has = sources.contains(&format!("#[test]\nfn n{number:02}_"));
        assert_eq!(has, !matches!(here, Later(_)), "observation {number}");
    }
}
