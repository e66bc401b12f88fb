//! The calls against a service that answers with recordings.

use std::sync::Arc;

use tokio::sync::Barrier;

use super::fake::{Script, start};
use super::resources::{self, ListFilter};
use super::{Fault, access};
use crate::proto::types::DatabaseV3;

#[tokio::test]
async fn lists_roles_and_user_go_out_side_by_side_on_one_connection() {
    let script = Arc::new(Script {
        together: Some(Arc::new(Barrier::new(3))),
        ..Script::default()
    });
    let caller = start(&script, "root").await;
    let filter = ListFilter::default();
    // None is answered before all three have arrived: one round trip.
    let (databases, roles, user) = tokio::join!(
        resources::databases::<DatabaseV3>(&caller, &filter),
        access::current_roles(&caller),
        access::current_user(&caller)
    );
    assert_eq!(databases.expect("databases").len(), 4);
    assert_eq!(roles.expect("roles").len(), 5);
    assert_eq!(user.expect("a user").name, "alice");
    assert_eq!(script.asked().len(), 3);
}

#[tokio::test]
async fn a_server_that_cannot_send_the_page_is_asked_for_smaller_ones() {
    let script = Arc::new(Script {
        too_large_over: Some(250),
        ..Script::default()
    });
    let caller = start(&script, "root").await;
    assert_eq!(
        resources::databases::<DatabaseV3>(&caller, &ListFilter::default())
            .await
            .expect("databases")
            .len(),
        4
    );
    assert_eq!(
        script.asked(),
        ["ListResources", "ListResources", "ListResources"]
    );
    let script = Arc::new(Script {
        too_large_over: Some(0),
        ..Script::default()
    });
    let caller = start(&script, "root").await;
    let err = resources::databases::<DatabaseV3>(&caller, &ListFilter::default())
        .await
        .expect_err("nothing fits");
    assert_eq!(err.fault, Fault::TooLarge);
}

#[tokio::test]
async fn an_old_server_is_asked_by_the_older_call() {
    let script = Arc::new(Script {
        old: true,
        ..Script::default()
    });
    let caller = start(&script, "root").await;
    assert_eq!(
        access::current_user(&caller).await.expect("a user").name,
        "alice"
    );
    assert_eq!(script.asked(), ["GetUser", "GetCurrentUser"]);
}

#[tokio::test]
async fn a_connection_closed_without_a_word_is_no_hang_and_says_so() {
    let (ours, theirs) = tokio::io::duplex(1024);
    drop(theirs);
    let link = crate::transport::grpc::Link::over(ours).await;
    let err = match link {
        Ok(link) => access::current_user(&super::Caller::new(link, "root"))
            .await
            .expect_err("nobody is there"),
        Err(_) => return,
    };
    assert!(
        matches!(err.fault, Fault::Login | Fault::Unreachable),
        "{err:?}"
    );
}
