//! Completions and manual pages are made by the program and checked in; `POSTERN_BLESS=1` renews them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use postern::cli::util::{completions, man};
use postern::cluster::cli::exit::Exit as ClusterExit;
use postern::cluster::cli::util as cluster;

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Compares a folder with what it should hold, file by file; renews it when asked to.
fn check(folder: &str, fresh: &BTreeMap<String, Vec<u8>>) {
    let dir = root(folder);
    if std::env::var_os("POSTERN_BLESS").is_some() {
        fs::create_dir_all(&dir).expect("the folder");
        for entry in fs::read_dir(&dir).expect("the folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("removed");
        }
        for (name, text) in fresh {
            fs::write(dir.join(name), text).expect("written");
        }
    }
    let kept: BTreeMap<String, Vec<u8>> = fs::read_dir(&dir)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(&path).expect("a file"))
        })
        .collect();
    assert_eq!(
        kept.keys().collect::<Vec<_>>(),
        fresh.keys().collect::<Vec<_>>(),
        "{folder}: run the tests with POSTERN_BLESS=1"
    );
    for (name, text) in fresh {
        assert!(
            kept[name] == *text,
            "{folder}/{name} is stale: run the tests with POSTERN_BLESS=1"
        );
    }
}

#[test]
fn completions_are_fresh() {
    let client =
        completions::FILES.map(|(shell, name)| (name.to_owned(), completions::script(shell)));
    let server = cluster::completions::FILES
        .map(|(shell, name)| (name.to_owned(), cluster::completions::script(shell)));
    check("completions", &client.into_iter().chain(server).collect());
}

#[test]
fn manual_pages_are_fresh() {
    let both = man::pages().into_iter().chain(cluster::man::pages());
    check("man", &both.collect());
}

#[test]
fn the_manual_has_every_command_exit_code_and_variable() {
    let pages: BTreeMap<String, Vec<u8>> = man::pages().into_iter().collect();
    for command in [
        "postern",
        "postern-login",
        "postern-logout",
        "postern-status",
        "postern-clusters",
        "postern-db",
        "postern-version",
    ] {
        let page = pages
            .get(&format!("{command}.1"))
            .unwrap_or_else(|| panic!("no page for {command}"));
        let page = String::from_utf8_lossy(page);
        for exit in postern::cli::Exit::ALL {
            assert!(
                page.contains(&format!("\\fB{}\\fR\n", exit.code())),
                "{command}: {exit:?}"
            );
        }
        for (variable, _) in postern::cli::env::DOCUMENTED {
            assert!(
                page.contains(&format!("\\fB{variable}\\fR\n")),
                "{command}: {variable}"
            );
        }
    }
    assert!(
        !pages.keys().any(|name| name.contains("util")),
        "hidden commands have no page"
    );
}

#[test]
fn every_page_of_the_cluster_has_the_exit_codes() {
    for (name, page) in cluster::man::pages() {
        let page = String::from_utf8_lossy(&page);
        for exit in ClusterExit::ALL {
            let row = format!("\\fB{}\\fR\n", exit.code());
            assert!(page.contains(&row), "{name}: {exit:?}");
        }
    }
}
