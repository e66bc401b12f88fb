//! Locks: who may not use the cluster any more, or not for now (db-service.md 1.8 and 4.7).
//!
//! A lock is kept in the state or loaded as a document of `kind: lock`; the running cluster asks both. Login, the gRPC
//! API, certificates and new sessions are refused to whom a lock concerns, and what is open is cut.

mod document;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::store::{Store, StoreError};
use crate::identity::Identity;
use crate::quote::quote;
use crate::rbac::leaf;

/// Attribute of a certificate that names the device it belongs to.
const DEVICE: &str = "1.3.9999.3.1";

/// Whom a lock concerns; empty texts say nothing. One of them that fits is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// A user; on a leaf the mapped name or the one at home.
    pub user: String,
    /// Everybody with a role.
    pub role: String,
    /// A login of SSH hosts: read, but nothing here asks for it.
    pub login: String,
    /// Certificates issued after the second factor of this device.
    pub mfa_device: String,
    /// A Windows desktop: read, but nothing here asks for it.
    pub windows_desktop: String,
    /// Certificates with this access request.
    pub access_request: String,
    /// Certificates of a trusted device.
    pub device: String,
    /// A server: the host of the cluster.
    pub server_id: String,
    /// A bot: read, but nothing here asks for it.
    pub bot_instance_id: String,
    /// A token something joined with: read, but nothing here asks for it.
    pub join_token: String,
}

impl Target {
    /// Name in messages, name in documents, value; in the order of the protocol.
    fn fields(&self) -> [(&'static str, &'static str, &str); 10] {
        [
            ("User", "user", &self.user),
            ("Role", "role", &self.role),
            ("Login", "login", &self.login),
            ("MFADevice", "mfa_device", &self.mfa_device),
            ("WindowsDesktop", "windows_desktop", &self.windows_desktop),
            ("AccessRequest", "access_request", &self.access_request),
            ("Device", "device", &self.device),
            ("ServerID", "server_id", &self.server_id),
            ("BotInstanceID", "bot_instance_id", &self.bot_instance_id),
            ("JoinToken", "join_token", &self.join_token),
        ]
    }

    /// Whether nothing in it can concern anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, _, value)| value.is_empty())
    }

    fn fits(&self, holder: &Holder<'_>) -> bool {
        let is = |wanted: &str, value: &str| !wanted.is_empty() && wanted == value;
        let among = |wanted: &str, values: &[String]| values.iter().any(|value| is(wanted, value));
        is(&self.user, holder.user)
            || is(&self.user, holder.user_at_home)
            || among(&self.role, holder.roles)
            || is(&self.mfa_device, holder.mfa_device)
            || is(&self.device, holder.device)
            || among(&self.access_request, holder.access_requests)
    }
}

/// As real clusters print it: `User:"alice"`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self
            .fields()
            .into_iter()
            .filter(|(_, _, value)| !value.is_empty());
        for (n, (name, _, value)) in set.enumerate() {
            let space = if n == 0 { "" } else { " " };
            write!(f, "{space}{name}:{}", quote(value))?;
        }
        Ok(())
    }
}

/// One lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Name of the document, mostly a UUID.
    pub name: String,
    /// Whom it concerns.
    pub target: Target,
    /// What those concerned are told; may be empty.
    pub message: String,
    /// When it ends, unix seconds; `None` for never.
    pub expires: Option<i64>,
    /// When it was made, unix seconds.
    pub created_at: Option<i64>,
    /// Who made it; may be empty.
    pub created_by: String,
}

impl Lock {
    /// Whether it counts at `now`, unix seconds.
    #[must_use]
    pub fn in_force(&self, now: i64) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    /// The text of the protocol, `lock targeting User:"alice" is in force: why` (db-service.md 1.8).
    #[must_use]
    pub fn reason(&self) -> String {
        let Self {
            target, message, ..
        } = self;
        if message.is_empty() {
            format!("lock targeting {target} is in force")
        } else {
            format!("lock targeting {target} is in force: {message}")
        }
    }
}

/// Who may be concerned by a lock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holder<'a> {
    /// The user.
    pub user: &'a str,
    /// The user's name in the cluster it comes from, when that is another one; empty otherwise.
    pub user_at_home: &'a str,
    /// The roles in use.
    pub roles: &'a [String],
    /// The device whose second factor the certificate was issued after; empty without one.
    pub mfa_device: &'a str,
    /// The trusted device of the certificate; empty without one.
    pub device: &'a str,
    /// Access requests in force.
    pub access_requests: &'a [String],
}

impl<'a> From<&'a Identity> for Holder<'a> {
    fn from(identity: &'a Identity) -> Self {
        let device = identity.other.iter().find(|(oid, _)| oid == DEVICE);
        Self {
            user: &identity.username,
            user_at_home: "",
            roles: &identity.roles,
            mfa_device: &identity.mfa_verified,
            device: device.map_or("", |(_, id)| id),
            access_requests: &identity.active_requests,
        }
    }
}

impl<'a> Holder<'a> {
    /// The holder of `identity` in the cluster `own`: the user of another cluster has a name there too, by which a lock
    /// may mean it.
    #[must_use]
    pub fn in_cluster(own: &str, identity: &'a Identity) -> Self {
        let home = &identity.teleport_cluster;
        let name = (home != own)
            .then(|| leaf::name_at_home(&identity.username, home))
            .flatten();
        Self {
            user_at_home: name.unwrap_or_default(),
            ..Self::from(identity)
        }
    }
}

/// The first of `locks` that concerns `holder` at `now`, unix seconds.
pub(super) fn first_hit<'l>(
    locks: impl IntoIterator<Item = &'l Lock>,
    holder: &Holder<'_>,
    now: i64,
) -> Option<Lock> {
    locks
        .into_iter()
        .find(|lock| lock.in_force(now) && lock.target.fits(holder))
        .cloned()
}

/// The locks kept in the state, as read last.
#[derive(Debug)]
pub struct Locks {
    store: Arc<Store>,
    kept: RwLock<Arc<Vec<Lock>>>,
}

impl Locks {
    /// Reads the locks of `store`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn open(store: Arc<Store>) -> Result<Self, StoreError> {
        let kept = RwLock::new(Arc::new(store.locks()?));
        Ok(Self { store, kept })
    }

    /// Reads them again; true when something has changed.
    ///
    /// # Errors
    /// When the state cannot be read; what was read before stays.
    pub fn reload(&self) -> Result<bool, StoreError> {
        let read = self.store.locks()?;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **kept != read;
        *kept = Arc::new(read);
        Ok(changed)
    }

    /// All of them, by name, ended ones too.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Lock>> {
        Arc::clone(&self.kept.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first that concerns `holder` at `now`, unix seconds.
    #[must_use]
    pub fn hit(&self, holder: &Holder<'_>, now: i64) -> Option<Lock> {
        first_hit(self.all().iter(), holder, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(target: Target) -> Lock {
        Lock {
            name: "l".into(),
            target,
            ..Lock::default()
        }
    }

    fn user(name: &str) -> Target {
        Target {
            user: name.into(),
            ..Target::default()
        }
    }

    #[test]
    fn the_text_is_that_of_the_protocol() {
        let mut one = lock(user("p-alice"));
        assert_eq!(one.reason(), r#"lock targeting User:"p-alice" is in force"#);
        one.message = "test lock".into();
        assert_eq!(
            one.reason(),
            r#"lock targeting User:"p-alice" is in force: test lock"#
        );
        let two = lock(Target {
            role: "dba".into(),
            mfa_device: "d\"1".into(),
            ..Target::default()
        });
        assert_eq!(
            two.reason(),
            r#"lock targeting Role:"dba" MFADevice:"d\"1" is in force"#
        );
    }

    #[test]
    fn every_kind_of_target_concerns_its_holder_and_nobody_else() {
        let identity = Identity {
            username: "alice".into(),
            roles: vec!["dba".into(), "access".into()],
            mfa_verified: "factor".into(),
            active_requests: vec!["request".into()],
            principals: vec!["root".into()],
            other: vec![(DEVICE.into(), "laptop".into())],
            ..Identity::default()
        };
        let nobody = Identity::default();
        let set = |change: fn(&mut Target)| {
            let mut target = Target::default();
            change(&mut target);
            lock(target)
        };
        for (concerned, lock) in [
            (true, set(|t| t.user = "alice".into())),
            (false, set(|t| t.user = "Alice".into())),
            (true, set(|t| t.role = "access".into())),
            (false, set(|t| t.role = "acc".into())),
            (true, set(|t| t.mfa_device = "factor".into())),
            (true, set(|t| t.device = "laptop".into())),
            (true, set(|t| t.access_request = "request".into())),
            (false, set(|t| t.login = "root".into())),
            (false, set(|t| t.windows_desktop = "alice".into())),
            (false, set(|_| ())),
        ] {
            let hit = first_hit([&lock], &Holder::from(&identity), 0);
            assert_eq!(hit.is_some(), concerned, "{}", lock.target);
            assert_eq!(first_hit([&lock], &Holder::from(&nobody), 0), None);
        }
    }

    #[test]
    fn a_user_of_another_cluster_is_meant_by_either_name() {
        let identity = Identity {
            username: "remote-alice-root".into(),
            teleport_cluster: "root".into(),
            ..Identity::default()
        };
        let hit = |own, name| {
            first_hit([&lock(user(name))], &Holder::in_cluster(own, &identity), 0).is_some()
        };
        assert!(hit("leaf", "alice") && hit("leaf", "remote-alice-root"));
        assert!(!hit("leaf", "root") && !hit("leaf", "alice-root"));
        // At home this is a name like any other.
        assert!(!hit("root", "alice") && hit("root", "remote-alice-root"));
    }

    #[test]
    fn a_lock_ends_when_it_expires() {
        let mut one = lock(user("alice"));
        one.expires = Some(100);
        let holder = Holder {
            user: "alice",
            ..Holder::default()
        };
        assert!(first_hit([&one], &holder, 99).is_some());
        assert!(first_hit([&one], &holder, 100).is_none());
    }

    #[test]
    fn a_reload_sees_what_another_process_wrote() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.db");
        let store = Arc::new(Store::open(&path).expect("a store"));
        let locks = Locks::open(store).expect("no locks");
        let holder = Holder {
            user: "alice",
            ..Holder::default()
        };
        let other = Store::open(&path).expect("the same store");
        other.put_lock(&lock(user("alice"))).expect("a lock");
        assert_eq!(locks.hit(&holder, 0), None);
        assert!(locks.reload().expect("a read"));
        assert_eq!(locks.hit(&holder, 0), Some(lock(user("alice"))));
        assert!(!locks.reload().expect("a read"), "nothing has changed");
        assert!(other.remove_lock("l").expect("a change"));
        assert!(!other.remove_lock("l").expect("nothing to do"));
        assert!(locks.reload().expect("a read"));
        assert_eq!(locks.hit(&holder, 0), None);
    }
}
