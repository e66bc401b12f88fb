//! The generated protobuf code is checked in, so that a build needs neither protoc nor a generator.
//! This test says when it is stale; `POSTERN_BLESS=1 cargo test --all-features proto_is_fresh` renews it.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn generate(out: &Path) {
    let protos = [
        "auth.proto",
        "presence.proto",
        "transport.proto",
        "trust.proto",
        "users.proto",
    ];
    let set = protox::compile(protos, [root().join("proto")]).expect("the .proto files compile");
    let only_cluster = "#[cfg(feature = \"cluster-core\")]";
    tonic_prost_build::configure()
        .build_transport(false)
        .server_mod_attribute("proto", only_cluster)
        .server_mod_attribute("teleport", only_cluster)
        .out_dir(out)
        .compile_fds(set)
        .expect("code is generated");
}

#[test]
fn proto_is_fresh() {
    let checked_in = root().join("src/proto/generated");
    let fresh = tempfile::tempdir().expect("a temporary directory");
    generate(fresh.path());
    let bless = std::env::var_os("POSTERN_BLESS").is_some();
    let mut count = 0;
    for entry in std::fs::read_dir(fresh.path()).expect("generated files") {
        let path = entry.expect("an entry").path();
        let target = checked_in.join(path.file_name().expect("a name"));
        if bless {
            std::fs::create_dir_all(&checked_in).expect("the directory");
            std::fs::copy(&path, &target).expect("a copy");
        }
        let want = std::fs::read_to_string(&path).expect("generated text");
        let have = std::fs::read_to_string(&target).unwrap_or_default();
        assert!(
            have == want,
            "{} is stale: run with POSTERN_BLESS=1",
            target.display()
        );
        count += 1;
    }
    let kept = std::fs::read_dir(&checked_in)
        .expect("checked-in files")
        .count();
    assert_eq!(kept, count, "a generated file is no longer produced");
}
