//! Writes certificate, key and authority for one database, for programs that speak TLS themselves: psql or pgbench straight
//! at the cluster's port, without a tunnel. `benches/cluster.py` measures that way.
//!
//! usage: `db_certificate DIRECTORY DATABASE USER NAME`, after `postern login` with the same `POSTERN_HOME`.
//! Then: `psql "host=… port=… user=USER dbname=NAME sslmode=verify-full sslrootcert=DIRECTORY/ca.pem
//! sslcert=DIRECTORY/cert.pem sslkey=DIRECTORY/key.pem"`.

use std::error::Error;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use postern::auth::certs::{self, DatabaseCertificate};
use postern::auth::key::SessionKey;
use postern::flow::conn::ClusterConn;
use postern::flow::session;
use postern::identity::{RouteToDatabase, pem};
use postern::profile::Home;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, database, user, name] = arguments.as_slice() else {
        return Err("usage: db_certificate DIRECTORY DATABASE USER NAME".into());
    };
    let home = Home::new(std::env::var_os("POSTERN_HOME").ok_or("POSTERN_HOME is unset")?);
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs().cast_signed();
    let session = session::load(&home, now)?;
    let cluster = session.profile.cluster.clone();
    let conn = ClusterConn::connect(&session, &cluster).await?;
    let key = SessionKey::generate()?;
    let route = RouteToDatabase {
        service_name: database.clone(),
        protocol: "postgres".to_owned(),
        username: user.clone(),
        database: name.clone(),
        roles: Vec::new(),
    };
    let wanted = DatabaseCertificate {
        username: &session.certificate.identity.username,
        expires: session.certificate.not_after,
        cluster: &cluster,
        route: &route,
        access_requests: &[],
    };
    let server = session.profile.server();
    let cert = certs::issue(conn.root(), &wanted, key.public(), &server).await?;
    let authorities: String = session
        .profile
        .host_cas_der(&cluster)
        .iter()
        .map(|der| pem::encode("CERTIFICATE", der))
        .collect();
    write(directory, "cert.pem", &cert)?;
    write(
        directory,
        "key.pem",
        pem::encode("PRIVATE KEY", &key.pkcs8()).as_bytes(),
    )?;
    write(directory, "ca.pem", authorities.as_bytes())
}

/// Writes a file that only its owner reads.
fn write(directory: &str, name: &str, content: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(Path::new(directory).join(name))?;
    file.write_all(content)?;
    Ok(())
}
