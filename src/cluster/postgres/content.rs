//! Roles, a table and a database for the demo: what every walkthrough and test of this project expects.

use super::PostgresError;
use super::server::{Server, describe};

/// Everything is made only when missing, so that a user's changes and an interrupted start both survive.
const SETUP: &str = r#"
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES ('teleport-admin', 'LOGIN SUPERUSER'), ('reader', ''), ('writer', ''), ('owner', ''), ('app', 'LOGIN'))
        AS w(name, options)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I %s', wanted.name, wanted.options);
        END IF;
    END LOOP;
    IF pg_catalog.to_regclass('public.t') IS NULL THEN
        CREATE TABLE public.t (id int PRIMARY KEY, v text);
        INSERT INTO public.t SELECT g, pg_catalog.md5(g::text) FROM pg_catalog.generate_series(1, 1000) g;
        GRANT SELECT ON public.t TO reader;
        GRANT ALL ON public.t TO writer, app;
    END IF;
END
$$;
"#;

/// Makes what is missing.
///
/// # Errors
/// When the server refuses.
pub async fn fill(server: &Server) -> Result<(), PostgresError> {
    let wrap = |e: &tokio_postgres::Error| PostgresError::Server(describe(e));
    let client = server.connect("postgres").await?;
    client.batch_execute(SETUP).await.map_err(|e| wrap(&e))?;
    let there = client
        .query_opt(
            "SELECT 1 FROM pg_catalog.pg_database WHERE datname = 'app'",
            &[],
        )
        .await
        .map_err(|e| wrap(&e))?;
    if there.is_none() {
        // Not possible within a transaction, hence apart from the rest.
        client
            .batch_execute("CREATE DATABASE app OWNER app")
            .await
            .map_err(|e| wrap(&e))?;
    }
    Ok(())
}
