//! Protobuf types and gRPC stubs for the few messages used, generated from `proto/*.proto`.
//!
//! The code under `generated/` is checked in; `tests/proto_fresh.rs` renews it and says when it is stale.
//! Unknown fields are dropped when decoding: never decode, modify and resend one of these messages.

#![allow(missing_docs, clippy::all, unused_qualifications, unreachable_pub)]

pub mod teleport {
    pub mod attestation {
        pub mod v1 {
            include!("generated/teleport.attestation.v1.rs");
        }
    }
    pub mod mfa {
        pub mod v1 {
            include!("generated/teleport.mfa.v1.rs");
        }
    }
    pub mod presence {
        pub mod v1 {
            include!("generated/teleport.presence.v1.rs");
        }
    }
    pub mod transport {
        pub mod v1 {
            include!("generated/teleport.transport.v1.rs");
        }
    }
    pub mod trust {
        pub mod v1 {
            include!("generated/teleport.trust.v1.rs");
        }
    }
    pub mod users {
        pub mod v1 {
            include!("generated/teleport.users.v1.rs");
        }
    }
}

pub mod auth {
    include!("generated/proto.rs");
}

pub mod types {
    include!("generated/types.rs");
}

pub mod webauthn {
    include!("generated/webauthn.rs");
}

pub mod wrappers {
    include!("generated/wrappers.rs");
}
