-- What Amazon Redshift has and PostgreSQL has not, in the schema `redshift` of the database `dev`. The columns are those of
-- Amazon's Database Developer Guide; what a reader sees depends on who asks, as there: superusers see all.
CREATE SCHEMA redshift;
GRANT USAGE ON SCHEMA redshift TO PUBLIC;

-- System-defined roles.
CREATE ROLE "sys:superuser";
CREATE ROLE "sys:operator";
CREATE ROLE "sys:dba";
CREATE ROLE "sys:monitor";
CREATE ROLE "sys:secadmin";

CREATE FUNCTION redshift.sees_all() RETURNS bool LANGUAGE sql STABLE AS
$$ SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user $$;

CREATE FUNCTION redshift.version() RETURNS text LANGUAGE sql AS
$$ SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.98765'::text $$;

-- Users log in, roles do not: PostgreSQL has one namespace for both, Redshift two.
CREATE VIEW redshift.svv_user_grants AS
SELECT u.oid::int AS user_id, u.rolname::text AS user_name, r.oid::int AS role_id, r.rolname::text AS role_name,
       bool_or(m.admin_option) AS admin_option
FROM pg_catalog.pg_auth_members m
JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
JOIN pg_catalog.pg_roles u ON u.oid = m.member
WHERE u.rolcanlogin AND (redshift.sees_all() OR u.rolname = current_user)
GROUP BY u.oid, u.rolname, r.oid, r.rolname;

CREATE VIEW redshift.svv_roles AS
SELECT r.oid::int AS role_id, r.rolname::text AS role_name, 'awsuser'::text AS role_owner, ''::text AS external_id
FROM pg_catalog.pg_roles r WHERE NOT r.rolcanlogin AND r.rolname NOT LIKE 'pg\_%';

CREATE VIEW redshift.svv_role_grants AS
SELECT s.oid::int AS role_id, s.rolname::text AS role_name, r.oid::int AS granted_role_id, r.rolname::text AS granted_role_name
FROM pg_catalog.pg_auth_members m
JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
JOIN pg_catalog.pg_roles s ON s.oid = m.member
WHERE NOT s.rolcanlogin AND s.rolname NOT LIKE 'pg\_%';

-- A holder of sys:superuser is no superuser in pg_user_info.
CREATE VIEW redshift.pg_user_info AS
SELECT u.rolname AS usename, u.oid::int AS usesysid, u.rolcreatedb AS usecreatedb,
       u.rolsuper AND NOT pg_catalog.pg_has_role(u.oid, 'sys:superuser', 'MEMBER') OR u.rolname = 'awsuser' AS usesuper,
       false AS usecatupd, '********'::text AS passwd, u.rolvaliduntil AS valuntil, NULL::text[] AS useconfig,
       CASE WHEN u.rolconnlimit = -1 THEN 'UNLIMITED' ELSE u.rolconnlimit::text END AS useconnlimit
FROM pg_catalog.pg_roles u WHERE u.rolcanlogin;

-- Sessions that logged in by IAM have its prefix; the name is cut at 50 bytes.
CREATE FUNCTION redshift.session_name(usename name) RETURNS char(50) LANGUAGE sql IMMUTABLE AS
$$ SELECT pg_catalog.substr(CASE WHEN usename = 'awsuser' THEN '' ELSE 'IAM:' END || usename::text, 1, 50)::char(50) $$;

CREATE VIEW redshift.stv_sessions AS
SELECT a.backend_start::timestamp AS starttime, a.pid AS process, redshift.session_name(a.usename) AS user_name,
       a.datname::char(50) AS db_name, 0 AS timeout_sec
FROM pg_catalog.pg_stat_activity a
WHERE a.usename IS NOT NULL AND (redshift.sees_all() OR a.usename = current_user);

CREATE VIEW redshift.stv_recents AS
SELECT a.usesysid::int AS userid, CASE WHEN a.state = 'active' THEN 'Running' ELSE 'Done' END::char(20) AS status,
       a.query_start::timestamp AS starttime,
       (extract(epoch FROM CASE WHEN a.state = 'active' THEN clock_timestamp() ELSE a.state_change END - a.query_start) * 1000000)::int
           AS duration,
       redshift.session_name(a.usename) AS user_name, a.datname::char(50) AS db_name,
       pg_catalog.substr(a.query, 1, 600)::char(600) AS query, a.pid
FROM pg_catalog.pg_stat_activity a
WHERE a.usename IS NOT NULL AND a.query <> '' AND (redshift.sees_all() OR a.usename = current_user);

GRANT SELECT ON ALL TABLES IN SCHEMA redshift TO PUBLIC;

-- The cluster's first user, as CreateCluster makes it.
CREATE USER awsuser SUPERUSER;
ALTER DATABASE dev SET search_path TO "$user", public, redshift;
