//! What a user and an administrator are told when there is no login: where it failed, what AWS said, what to do.
//!
//! The frame of the message is Teleport's (db-service.md 2.5, redshift-emulation.json); the cause and the hint are ours.

use super::Target;
use super::identity::NoIdentity;
use super::problem::Problem;
use crate::cluster::dbservice::PasswordError;
use crate::quote::quote;
use crate::rbac::{Database, DatabaseKind};

/// The partition of a region in ARNs.
pub(super) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// The domain of a region's endpoints.
pub(super) fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    }
}

fn account(database: &Database) -> &str {
    [
        &database.effective_aws().account_id,
        &database.aws.account_id,
    ]
    .into_iter()
    .find(|account| !account.is_empty())
    .map_or("{account_id}", String::as_str)
}

/// A login to Redshift that failed.
pub(super) fn redshift(problem: &Problem, target: &Target<'_>, cluster: &str) -> PasswordError {
    let (region, account) = (&target.region, account(target.database));
    let arn = |kind: &str, name: &str| {
        format!(
            "arn:{}:redshift:{region}:{account}:{kind}:{cluster}/{name}",
            partition(region)
        )
    };
    let action = if target.user_role.is_some() {
        "redshift:GetClusterCredentialsWithIAM"
    } else {
        "redshift:GetClusterCredentials"
    };
    let call = action.trim_start_matches("redshift:");
    let cause = match problem {
        Problem::Nobody(nobody) => sources(nobody),
        Problem::Unreachable(why) => format!("AWS: {call} in {region}: no answer: {why}"),
        Problem::Refused {
            status,
            code,
            message,
        } => format!("AWS: {call} in {region}: {code} (HTTP {status}): {message}"),
        Problem::Strange(what) => format!("AWS: {call} in {region}: {what}"),
    };
    let resources: Vec<String> = ["dbuser", "dbname", "dbgroup"]
        .iter()
        .map(|kind| format!("                {}", quote(&arn(kind, "*"))))
        .collect();
    let message = format!(
        "Could not generate Redshift IAM auth token:\n\n  {cause}\n\nMake sure that Teleport database agent's IAM policy is \
         attached and has permissions\nto generate Redshift credentials (note that IAM changes may take a few minutes to\n\
         propagate):\n\n{}",
        policy(action, &resources.join(",\n"))
    );
    let hint = match problem {
        Problem::Nobody(nobody) => become_somebody(nobody),
        Problem::Unreachable(_) => format!(
            "postern-cluster must reach https://redshift.{region}.{}, or what AWS_ENDPOINT_URL_REDSHIFT names",
            domain(region)
        ),
        Problem::Refused { code, .. } if is_denial(code) => format!(
            "allow {action} on {} and {} to the IAM identity of postern-cluster",
            arn("dbuser", target.user),
            arn("dbname", target.name)
        ),
        Problem::Refused { code, .. } if code.starts_with("ClusterNotFound") => format!(
            "see `aws.redshift.cluster_id` ({}) and the region ({region}) of the database's document",
            quote(cluster)
        ),
        Problem::Refused { code, .. } if is_identity(code) => {
            "renew the AWS credentials of postern-cluster, and see that its clock is right"
                .to_owned()
        }
        _ => "try again; if it stays, see the AWS service's health".to_owned(),
    };
    PasswordError {
        message,
        hint: Some(hint),
    }
}

/// A token for RDS that could not be made.
pub(super) fn rds(nobody: &NoIdentity, target: &Target<'_>) -> PasswordError {
    let (region, aws) = (&target.region, target.database.effective_aws());
    let resource = [&aws.rds.resource_id, &aws.rdsproxy.resource_id]
        .into_iter()
        .find(|id| !id.is_empty())
        .map_or("{resource_id}", String::as_str);
    let arn = format!(
        "arn:{}:rds-db:{region}:{}:dbuser:{resource}/*",
        partition(region),
        account(target.database)
    );
    PasswordError {
        message: format!(
            "Could not generate RDS IAM auth token:\n\n  {}\n\nMake sure that Teleport database agent's IAM policy is \
             attached and has \"rds-connect\"\npermissions (note that IAM changes may take a few minutes to propagate):\n\n{}",
            sources(nobody),
            policy(
                "rds-db:connect",
                &format!("                {}", quote(&arn))
            )
        ),
        hint: Some(become_somebody(nobody)),
    }
}

fn become_somebody(nobody: &NoIdentity) -> String {
    match nobody {
        NoIdentity::Nothing(_) => {
            "give postern-cluster an AWS identity: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, a web identity, \
             or a role of the machine it runs on"
                .into()
        }
        NoIdentity::Role { role, .. } => format!(
            "allow sts:AssumeRole on {role} to the IAM identity of postern-cluster, name that in the role's trust policy, and \
             see `aws.assume_role_arn` and `aws.external_id` of the database's document"
        ),
    }
}

fn sources(nobody: &NoIdentity) -> String {
    match nobody {
        NoIdentity::Nothing(failed) if failed.is_empty() => {
            "AWS: this process has no credentials".into()
        }
        NoIdentity::Nothing(failed) => format!("AWS: no credentials: {}", failed.join("; ")),
        NoIdentity::Role { role, why } => format!("AWS: AssumeRole {role}: {why}"),
    }
}

fn policy(action: &str, resources: &str) -> String {
    format!(
        "{{\n    \"Version\": \"2012-10-17\",\n    \"Statement\": [\n        {{\n            \"Effect\": \"Allow\",\n            \
         \"Action\": {},\n            \"Resource\": [\n{resources}\n            ]\n        }}\n    ]\n}}\n",
        quote(action)
    )
}

fn is_denial(code: &str) -> bool {
    code.starts_with("AccessDenied") || code.starts_with("Unauthorized") || code == "OptInRequired"
}

fn is_identity(code: &str) -> bool {
    [
        "ExpiredToken",
        "InvalidClientTokenId",
        "UnrecognizedClient",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "RequestExpired",
        "InvalidAccessKeyId",
        "MissingAuthenticationToken",
    ]
    .iter()
    .any(|known| code.starts_with(known))
}

fn document(database: &Database, what: &str, hint: &str) -> PasswordError {
    PasswordError {
        message: format!("database {}: {what}", quote(&database.name)),
        hint: Some(hint.into()),
    }
}

/// The document has no region.
pub(super) fn no_region(database: &Database) -> PasswordError {
    document(
        database,
        "its AWS region is not known",
        "set `aws.region` in its document, or AWS_REGION",
    )
}

/// The URI has no port.
pub(super) fn no_port(database: &Database) -> PasswordError {
    document(database, "its `uri` has no port", "write it as host:port")
}

/// The user is an IAM role of an unknown account.
pub(super) fn no_account(database: &Database, user: &str) -> PasswordError {
    document(
        database,
        &format!("the AWS account of {} is not known", quote(user)),
        "set `aws.account_id` in its document, or use the role's whole ARN",
    )
}

/// A kind of database that does not log in this way.
pub(super) fn not_served(kind: DatabaseKind) -> PasswordError {
    PasswordError {
        message: format!(
            "databases of type {} are not served here",
            quote(kind.name())
        ),
        hint: None,
    }
}
