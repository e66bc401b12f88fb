//! A profile on disk, perhaps half-written or made by hand: `profile`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern::profile::Profile;

fuzz_target!(|data: &[u8]| {
    let Ok(profile) = serde_json::from_slice::<Profile>(data) else {
        return;
    };
    let _ = (
        profile.answers_to("proxy.example.com"),
        profile.host_cas_der(&profile.cluster),
    );
    let written = serde_json::to_vec(&profile).expect("a profile can be written");
    assert_eq!(
        serde_json::from_slice::<Profile>(&written).ok(),
        Some(profile)
    );
});
