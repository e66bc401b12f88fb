//! `GetClusterCredentials`: a name and a password for fifteen minutes (db-service.md 2.5 and 6.1).

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::utf8_percent_encode;
use reqsign_aws_v4::RequestSigner;
use reqsign_aws_v4::constants::AWS_QUERY_ENCODE_SET;
use reqsign_core::SignRequest as _;
use reqsign_core::hash::hex_sha256;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Target;
use super::identity::Identities;
use super::memory::Kept;
use super::problem::Problem;
use super::texts;
use crate::cluster::dbservice::{Credential, PasswordError};
use crate::rbac::Database;

/// How long a login is valid, seconds: the shortest AWS gives.
const DURATION: &str = "900";
/// How often a request is sent when AWS does not answer, or asks for patience.
const ATTEMPTS: u32 = 3;
/// Pause after the first attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// The role's ARN when a database user is an IAM role: `role/<name>` or an ARN.
pub(super) fn role(
    user: &str,
    region: &str,
    database: &Database,
) -> Result<Option<String>, PasswordError> {
    if user.starts_with("arn:") && user.contains(":role/") {
        return Ok(Some(user.to_owned()));
    }
    if !user.starts_with("role/") {
        return Ok(None);
    }
    let account = [
        &database.effective_aws().account_id,
        &database.aws.account_id,
    ]
    .into_iter()
    .find(|account| !account.is_empty())
    .ok_or_else(|| texts::no_account(database, user))?;
    Ok(Some(format!(
        "arn:{}:iam::{account}:{user}",
        texts::partition(region)
    )))
}

/// Asks until there is an answer, or no use in asking.
pub(super) async fn login(
    identities: &Identities,
    target: &Target<'_>,
    cluster: &str,
) -> Result<Kept, Problem> {
    let mut pause = PAUSE;
    let mut attempt = 1;
    loop {
        let problem = match ask(identities, target, cluster).await {
            Ok(kept) => return Ok(kept),
            Err(problem) => problem,
        };
        if attempt == ATTEMPTS
            || !(problem.may_pass() || attempt == 1 && problem.is_stale_identity())
        {
            return Err(problem);
        }
        if problem.is_stale_identity() {
            identities.forget().await;
        } else {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        attempt += 1;
    }
}

async fn ask(identities: &Identities, target: &Target<'_>, cluster: &str) -> Result<Kept, Problem> {
    let region = &target.region;
    let identity = identities
        .get(&target.roles(), region)
        .await
        .map_err(Problem::Nobody)?;
    let endpoint = identities
        .http()
        .endpoint("REDSHIFT")
        .unwrap_or_else(|| format!("https://redshift.{region}.{}", texts::domain(region)));
    let strange = |error: &dyn std::fmt::Display| Problem::Strange(error.to_string());
    let body = form(target, cluster);
    let (mut head, ()) = http::Request::post(format!("{endpoint}/"))
        .header(
            http::header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        // Without it the library signs "any payload", which this service does not take.
        .header("x-amz-content-sha256", hex_sha256(body.as_bytes()))
        .body(())
        .map_err(|error| strange(&error))?
        .into_parts();
    RequestSigner::new("redshift", region)
        .sign_request(identities.context(), &mut head, Some(&identity), None)
        .await
        .map_err(|error| strange(&error))?;
    let answer = identities
        .http()
        .send(http::Request::from_parts(head, Bytes::from(body)))
        .await
        .map_err(Problem::Unreachable)?;
    read(
        answer.status().as_u16(),
        &String::from_utf8_lossy(answer.body()),
    )
}

/// The request's body. An IAM role logs in as itself, everybody else by name; nobody is made by it.
fn form(target: &Target<'_>, cluster: &str) -> String {
    let named = target.user_role.is_none();
    let action = if named {
        "GetClusterCredentials"
    } else {
        "GetClusterCredentialsWithIAM"
    };
    let pairs = [
        (true, "Action", action),
        (true, "Version", "2012-12-01"),
        (true, "ClusterIdentifier", cluster),
        (named, "DbUser", target.user),
        (!target.name.is_empty(), "DbName", target.name),
        (named, "AutoCreate", "false"),
        (true, "DurationSeconds", DURATION),
    ];
    let mut form = String::new();
    for (_, name, value) in pairs.into_iter().filter(|(wanted, ..)| *wanted) {
        let between = if form.is_empty() { "" } else { "&" };
        let value = utf8_percent_encode(value, &AWS_QUERY_ENCODE_SET);
        let _ = write!(form, "{between}{name}={value}");
    }
    form
}

#[derive(Deserialize)]
struct Answer {
    #[serde(
        rename = "GetClusterCredentialsResult",
        alias = "GetClusterCredentialsWithIAMResult"
    )]
    result: Issued,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Issued {
    db_user: String,
    db_password: String,
    expiration: String,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    #[serde(rename = "Error")]
    error: Refusal,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    code: String,
    #[serde(default)]
    message: String,
}

/// Reads an answer. No part of one that was not understood is repeated: it may hold a password.
fn read(status: u16, body: &str) -> Result<Kept, Problem> {
    if status != 200 {
        return Err(match quick_xml::de::from_str::<ErrorAnswer>(body) {
            Ok(ErrorAnswer { error }) => Problem::Refused {
                status,
                code: error.code,
                message: error.message,
            },
            Err(_) => Problem::Refused {
                status,
                code: String::new(),
                message: "no reason given".into(),
            },
        });
    }
    let strange = |what: &str| Problem::Strange(format!("an answer without {what}"));
    let Answer { result } =
        quick_xml::de::from_str(body).map_err(|_| strange("a name and a password"))?;
    let expires = OffsetDateTime::parse(&result.expiration, &Rfc3339)
        .map_err(|_| strange("a time of expiry"))?
        .unix_timestamp();
    Ok(Kept {
        credential: Credential {
            login: result.db_user,
            password: Some(result.db_password.into()),
        },
        expires,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form recorded from moto 5.2.1 (redshift-emulation.json).
    const ANSWER: &str = r#"<GetClusterCredentialsResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/">
        <GetClusterCredentialsResult><DbUser>IAM:alice</DbUser><DbPassword>b&amp;c&lt;d</DbPassword>
        <Expiration>2026-11-23T12:00:00.123Z</Expiration></GetClusterCredentialsResult>
        <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetClusterCredentialsResponse>"#;

    #[test]
    fn reads_answers() {
        let kept = read(200, ANSWER).expect("a login");
        assert_eq!(kept.credential.login, "IAM:alice");
        assert_eq!(kept.credential.password.expect("one").as_str(), "b&c<d");
        assert_eq!(kept.expires, 1_795_435_200);
        let with_iam = ANSWER
            .replace(
                "GetClusterCredentialsRes",
                "GetClusterCredentialsWithIAMRes",
            )
            .replace("IAM:alice", "IAMR:analyst");
        assert_eq!(
            read(200, &with_iam).expect("a login").credential.login,
            "IAMR:analyst"
        );
    }

    #[test]
    fn reads_refusals_and_repeats_no_secret() {
        let refused = r"<ErrorResponse><Error><Type>Sender</Type><Code>ClusterNotFound</Code>
            <Message>Cluster x not found.</Message></Error><RequestId>1</RequestId></ErrorResponse>";
        assert_eq!(
            read(404, refused),
            Err(Problem::Refused {
                status: 404,
                code: "ClusterNotFound".into(),
                message: "Cluster x not found.".into()
            })
        );
        assert!(matches!(
            read(502, "<html>"),
            Err(Problem::Refused { status: 502, .. })
        ));
        let cut = ANSWER.replace("<Expiration>2026-11-23T12:00:00.123Z", "<Expiration>soon");
        let printed = format!("{:?}", read(200, &cut));
        assert!(
            printed.contains("expiry") && !printed.contains("b&c"),
            "{printed}"
        );
    }

    #[test]
    fn knows_what_may_pass() {
        let refused = |status, code: &str| Problem::Refused {
            status,
            code: code.into(),
            message: String::new(),
        };
        assert!(refused(400, "Throttling").may_pass() && refused(503, "").may_pass());
        assert!(!refused(403, "AccessDenied").may_pass());
        assert!(refused(403, "ExpiredTokenException").is_stale_identity());
    }
}
