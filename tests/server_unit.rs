//! The systemd unit, as systemd itself sees it.

use std::path::Path;
use std::process::Command;

/// `systemd-analyze` finds nothing wrong, and little that the service could do beyond its task. Skipped where it is missing.
#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let analyze = |args: &[&str], file: &Path| {
        let out = Command::new("systemd-analyze")
            .args(args)
            .arg(file)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
        Some((out.status.success(), text.into_owned()))
    };
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/postern-cluster.service");
    let text = std::fs::read_to_string(&unit).expect("the unit");
    // The program and its manual lie elsewhere here than where they are installed.
    let installed = "/usr/local/bin/postern-cluster";
    assert!(text.contains(installed));
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("postern-cluster.service");
    let text = text.replace(installed, env!("CARGO_BIN_EXE_postern-cluster"));
    let text: Vec<&str> = text
        .lines()
        .filter(|l| !l.starts_with("Documentation="))
        .collect();
    std::fs::write(&copy, text.join("\n")).expect("a copy");
    let Some((right, said)) = analyze(&["verify"], &copy) else {
        return;
    };
    assert!(right && said.is_empty(), "{said}");
    let (_, said) = analyze(&["security", "--offline=true"], &copy).expect("it is there");
    let exposure: f32 = said
        .split("Overall exposure level for postern-cluster.service: ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{said}"));
    assert!(exposure <= 2.0, "{exposure}");
}
