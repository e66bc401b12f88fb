//! Programs that stand between a user and a cluster: nginx as a load balancer of either kind, squid as an HTTP proxy. Each
//! runs on a free port with a configuration and a directory of its own, and ends with the test.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::wait_for;

/// How long such a program may take to start.
const START: Duration = Duration::from_secs(60);

/// A running one.
pub(crate) struct Middle {
    /// `host:port` it listens on.
    pub(crate) port: u16,
    /// Its configuration, certificates and logs.
    pub(crate) dir: tempfile::TempDir,
    child: Child,
}

impl Drop for Middle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Middle {
    /// A file in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn start(dir: tempfile::TempDir, program: &Path, args: &[&str], addr: &str) -> Self {
        let log = std::fs::File::create(dir.path().join("output")).expect("a log");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("setpriv starts");
        let port = addr.rsplit(':').next().expect("a port");
        let mut middle = Self {
            port: port.parse().expect("a number"),
            dir,
            child,
        };
        let path = middle.path("output");
        wait_for(&format!("{} to listen", program.display()), START, || {
            if let Ok(Some(status)) = middle.child.try_wait() {
                let log = std::fs::read_to_string(&path).unwrap_or_default();
                panic!("{} ended with {status}: {log}", program.display());
            }
            TcpStream::connect(addr).ok()
        });
        middle
    }
}

/// A port that nobody uses at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A program of Debian's; without it the test is skipped with a line.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let found = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed");
    }
    found
}

fn directory() -> tempfile::TempDir {
    let dir = tempfile::Builder::new()
        .prefix("pm")
        .tempdir()
        .expect("a directory");
    // Such programs give up root.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777))
        .expect("permissions");
    dir
}

/// nginx, ending TLS in front of a cluster and knowing nothing of what is behind it.
pub(crate) struct Nginx {
    /// The address it listens on: `127.0.0.1:PORT` unless told otherwise.
    pub(crate) listen: String,
    /// Names in its certificate.
    pub(crate) names: Vec<String>,
    /// More words for its `listen`, e.g. `http2`.
    pub(crate) listen_flags: &'static str,
    /// What stands in `location /` before the rest.
    pub(crate) location: String,
    /// Passes upgrades on, as one has to tell it.
    pub(crate) websockets: bool,
}

impl Nginx {
    /// On this port of this computer, as `localhost`.
    pub(crate) fn new(port: u16) -> Self {
        Self {
            listen: format!("127.0.0.1:{port}"),
            names: vec!["localhost".to_owned()],
            listen_flags: "",
            location: String::new(),
            websockets: true,
        }
    }

    /// Starts it in front of `upstream` (`host:port`). Its authority is the file `ca.pem`. `None`: it is not installed.
    pub(crate) fn start(self, upstream: &str) -> Option<Middle> {
        let authority = Authority::new();
        self.start_with(upstream, &authority)
    }

    /// The same with a certificate of an authority that lives longer.
    pub(crate) fn start_with(self, upstream: &str, authority: &Authority) -> Option<Middle> {
        let program = find("nginx")?;
        let dir = directory();
        authority.certify(dir.path(), &self.names);
        let at = dir.path().display();
        let Self {
            listen,
            listen_flags,
            location,
            websockets,
            ..
        } = self;
        let upgrade = if websockets {
            "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"
        } else {
            ""
        };
        let configuration = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log info;\n\
             events {{ worker_connections 256; }}\n\
             http {{\n\
               access_log {at}/access.log;\n\
               client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;\n\
               uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;\n\
               map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}\n\
               server {{\n\
                 listen {listen} ssl {listen_flags};\n\
                 ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;\n\
                 location / {{\n\
                   {location}\n\
                   proxy_pass https://{upstream};\n\
                   proxy_http_version 1.1;\n\
                   proxy_set_header Host $http_host;\n\
                   {upgrade}\n\
                   proxy_read_timeout 300s;\n\
                   proxy_buffering off;\n\
                 }}\n\
               }}\n\
             }}\n"
        );
        let path = dir.path().join("nginx.conf");
        std::fs::write(&path, configuration).expect("a file");
        let (path, prefix) = (path.display().to_string(), at.to_string());
        let args = ["-p", &prefix, "-c", &path, "-e", "stderr"];
        Some(Middle::start(dir, &program, &args, &listen))
    }
}

/// nginx as a balancer that only passes connections on, and reads of each which protocols it is for. Those for which `refused`
/// (a pattern) names a protocol lead nowhere; the file `connections` has a line for each, with the protocols and where it went.
/// `None`: it is not installed, or not this part of it.
pub(crate) fn passing(listen: &str, upstream: &str, refused: &str) -> Option<Middle> {
    let program = find("nginx")?;
    let module = Path::new("/usr/lib/nginx/modules/ngx_stream_module.so");
    if !module.exists() {
        eprintln!("skipped: nginx has no stream module");
        return None;
    }
    let dir = directory();
    let at = dir.path().display().to_string();
    let configuration = format!(
        "load_module {};\n\
         daemon off; master_process off; pid {at}/pid; error_log {at}/error.log info;\n\
         events {{ worker_connections 256; }}\n\
         stream {{\n\
           log_format line '$ssl_preread_alpn_protocols $upstream_addr $status';\n\
           access_log {at}/connections line;\n\
           map $ssl_preread_alpn_protocols $to {{ ~{refused} 127.0.0.1:1; default {upstream}; }}\n\
           server {{ listen {listen}; ssl_preread on; proxy_pass $to; }}\n\
         }}\n",
        module.display()
    );
    let path = dir.path().join("nginx.conf");
    std::fs::write(&path, configuration).expect("a file");
    let path = path.display().to_string();
    let args = ["-p", &at, "-c", &path, "-e", "stderr"];
    Some(Middle::start(dir, &program, &args, listen))
}

/// Who vouches for a load balancer.
pub(crate) struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    /// Its own certificate, PEM.
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "balancer CA");
        let key = rcgen::KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: rcgen::Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for these names and its key, both PEM.
    pub(crate) fn certificate(&self, names: &[String]) -> (String, String) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let cert = rcgen::CertificateParams::new(names.to_vec())
            .expect("names")
            .signed_by(&key, &self.issuer)
            .expect("a certificate");
        (cert.pem(), key.serialize_pem())
    }

    /// Writes `ca.pem`, and `cert.pem` with `key.pem` for these names.
    fn certify(&self, dir: &Path, names: &[String]) {
        let (cert, key) = self.certificate(names);
        let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).expect("a file");
        write("ca.pem", &self.pem);
        write("cert.pem", &cert);
        write("key.pem", &key);
    }
}

/// squid as an HTTP proxy that knows the given host names. With `user:password` it asks for them; it refuses to connect to
/// `forbidden.test`. Its log of connections is the file `access.log`. `None`: it is not installed.
pub(crate) fn squid(hosts: &[(&str, &str)], credentials: Option<(&str, &str)>) -> Option<Middle> {
    let program = find("squid")?;
    let dir = directory();
    let at = dir.path().display().to_string();
    let port = free_port();
    let mut lines: String = hosts
        .iter()
        .map(|(ip, name)| format!("{ip} {name}\n"))
        .collect();
    lines.push_str("127.0.0.1 forbidden.test\n");
    std::fs::write(dir.path().join("hosts"), lines).expect("a file");
    let access = match credentials {
        None => "http_access allow all".to_owned(),
        Some((user, password)) => {
            let hash = Command::new("openssl")
                .args(["passwd", "-apr1", password])
                .output()
                .expect("openssl runs");
            let hash = String::from_utf8_lossy(&hash.stdout).trim().to_owned();
            std::fs::write(dir.path().join("passwd"), format!("{user}:{hash}\n")).expect("a file");
            format!(
                "auth_param basic program /usr/lib/squid/basic_ncsa_auth {at}/passwd\n\
                 auth_param basic children 2\n\
                 acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all"
            )
        }
    };
    let configuration = format!(
        "http_port 127.0.0.1:{port}\nvisible_hostname squid.test\npid_filename {at}/pid\ncache deny all\n\
         cache_log {at}/cache.log\naccess_log stdio:{at}/access.log\ncoredump_dir {at}\nhosts_file {at}/hosts\n\
         shutdown_lifetime 0 seconds\nconnect_timeout 5 seconds\npinger_enable off\nnetdb_filename none\n\
         acl forbidden dstdomain forbidden.test\nhttp_access deny forbidden\n{access}\n"
    );
    let path = dir.path().join("squid.conf");
    std::fs::write(&path, configuration).expect("a file");
    let path = path.display().to_string();
    Some(Middle::start(
        dir,
        &program,
        &["-N", "-f", &path],
        &format!("127.0.0.1:{port}"),
    ))
}
