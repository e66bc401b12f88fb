//! The one integration binary: each file beside this one is a feature seen from outside.

mod access_cases;
mod cancel;
mod cli_offline;
mod clients;
mod cluster_demo;
mod common;
mod db_connect;
mod db_ls;
mod exit_codes;
mod generated_fresh;
mod habits;
mod habits_config;
mod habits_db_login;
mod half_open;
mod hops;
mod identity;
mod json_shapes;
mod kept_certs;
mod leaf;
mod leaf_links;
mod leaf_listing;
mod live;
mod login;
mod moved_clock;
mod networks;
mod networks_addresses;
mod networks_clock;
mod networks_names;
mod only_owner;
mod parallel;
mod ping;
mod prompts;
mod proto_fresh;
mod provisioning;
mod proxy_db;
mod queries;
mod recorded_messages;
mod recovery;
mod redshift;
mod redshift_guide;
mod renewal;
mod round_trips;
mod server_documents;
mod server_rotate;
mod server_sessions;
mod server_start;
mod server_unit;
mod server_users;
mod sessions;
mod sso_client;
mod sso_oidc;
mod stdio;
mod three_lines;
mod tsh_profile;
mod tsh_trips;
mod tunnel_and_login;
mod versions;
mod why;

/// A file that nobody lists would silently not run.
#[test]
fn every_file_is_listed() {
    let me = include_str!("main.rs");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))
        .expect("the tests directory")
    {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a plain name");
        if let Some(module) = name.strip_suffix(".rs").filter(|m| *m != "main") {
            assert!(
                me.contains(&format!("mod {module};")),
                "tests/main.rs does not list {name}"
            );
        }
    }
}
