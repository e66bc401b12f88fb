//! Shows a one-time key to whoever enrols a user.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::json;

use super::super::Format;
use crate::cluster::documents::User;
use crate::cluster::totp::Key;
use crate::cluster::ui;

/// Prints user and key. The key appears nowhere else afterwards.
pub(super) fn show(format: Format, cluster: &str, user: &User, key: &Key) {
    let url = url(cluster, &user.name, key);
    if format == Format::Json {
        let answer = json!({
            "name": user.name,
            "roles": user.roles,
            "traits": user.traits,
            "totp_key": key.base32(),
            "otpauth_url": url,
        });
        ui::data(&answer.to_string());
        return;
    }
    ui::data(&format!(
        "User {} with {}.",
        user.name,
        user.roles.join(", ")
    ));
    ui::data("The one-time key, for an authenticator app; it is not shown again:");
    // Names are short: it always fits.
    if let Ok(code) = QrCode::new(&url) {
        ui::data(&code.render::<Dense1x2>().build());
    }
    ui::data(&url);
}

/// What authenticator apps read.
fn url(cluster: &str, user: &str, key: &Key) -> String {
    let (cluster, user) = (escaped(cluster), escaped(user));
    format!(
        "otpauth://totp/{cluster}:{user}?algorithm=SHA1&digits=6&issuer={cluster}&period=30&secret={}",
        key.base32()
    )
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_in_names_are_escaped() {
        let key = Key::parse("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").expect("a key");
        assert_eq!(
            url("my root", "a+b@example.com", &key),
            "otpauth://totp/my%20root:a%2Bb%40example.com?algorithm=SHA1&digits=6&issuer=my%20root&period=30\
             &secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
        );
    }
}
