//! Certificates and what their names carry: `identity`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern::identity::Certificate;

fuzz_target!(|data: &[u8]| {
    for parsed in [Certificate::from_der(data), Certificate::from_pem(data)]
        .into_iter()
        .flatten()
    {
        let _ = (parsed.is_database(), parsed.valid_at(1_800_000_000));
        assert_eq!(Certificate::from_der(&parsed.der).as_ref(), Ok(&parsed));
    }
    if let Ok(name) = std::str::from_utf8(data)
        && let Some(cluster) = postern::identity::decode_cluster(name)
    {
        let again = postern::identity::encode_cluster(&cluster);
        assert_eq!(postern::identity::decode_cluster(&again), Some(cluster));
    }
});
