#!/usr/bin/env bash
# Measures what row-level security costs the statements of a request: as the tables' owner, whom no policy holds, and as the application.
# Both take turns for ROUNDS rounds of 200 transactions. A figure is the first decile: what other work on the machine adds is left out.
#   scripts/wall.sh [USERS]   how many users the organisation has, by default 1000; fifty others have 20 each
#   ROUNDS                    how many, by default 20
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
users=${1:-1000} rounds=${ROUNDS:-20}

compiler
scratch
admin=$(scripts/postgres.sh start "$work/postgres")
pgbench=$(ls /usr/lib/postgresql/*/bin/pgbench 2>/dev/null | sort -V | tail -1)
[ -x "$pgbench" ] || die "pgbench is missing: it comes with PostgreSQL's server"
say "The server"
cargo build --quiet "${SERVER_HALF[@]}" --bin rollcall
host=$(make_databases "$admin" wall)
owner=postgres://rollcall_owner@$host/wall app=postgres://rollcall_app@$host/wall
ROLLCALL_DATABASE_URL=$owner ROLLCALL_LOG=error "$TARGET/debug/rollcall" migrate >&2

say "51 organisations, the first with $users users"
psql "$owner" -v ON_ERROR_STOP=1 -v users="$users" -q <<'SQL'
INSERT INTO organizations (id, name, slug, created_at) SELECT md5('o' || n)::uuid, 'Org ' || n, 'org-' || n, n FROM generate_series(1, 51) n;
INSERT INTO scim_connections (id, org_id, status, created_at, created_by)
  SELECT md5('c' || n)::uuid, md5('o' || n)::uuid, 'enabled', n, 'x' FROM generate_series(1, 51) n;
INSERT INTO scim_tokens (id, org_id, connection_id, name, purpose, secret_hash, hint, lifetime, created_at, created_by, expires_at)
  SELECT md5('t' || n)::uuid, md5('o' || n)::uuid, md5('c' || n)::uuid, 'T', 'provisioning', '', 'x', 'year', 1, 'x', 9000000000000000 FROM generate_series(1, 51) n;
CREATE TEMP TABLE p AS SELECT n AS o, k, md5('o' || n)::uuid AS org, md5('u' || n || '-' || k)::uuid AS id, 'u' || n || '-' || k || '@x.test' AS mail
  FROM generate_series(1, 51) n CROSS JOIN LATERAL generate_series(1, CASE n WHEN 1 THEN :users ELSE 20 END) k;
INSERT INTO users (id, email, email_key, email_proven_at, credential_version, live_memberships, dormant, suspended, created_at)
  SELECT id, mail, mail, 1, 0, 1, false, false, k FROM p;
INSERT INTO members (id, org_id, account_id, display_name, managed_by, break_glass, proven_at, sub, created_at, name_key, search_key)
  SELECT md5('m' || id)::uuid, org, id, mail, 'directory', false, 1, md5('s' || id), k, mail, mail FROM p;
INSERT INTO memberships (id, org_id, member_id, account_id, proven_at, began_at) SELECT md5('s' || id)::uuid, org, md5('m' || id)::uuid, id, 1, k FROM p;
INSERT INTO scim_users (id, org_id, connection_id, member_id, user_name, user_name_key, active, attributes, version, created_at, updated_at, indexed_by)
  SELECT md5('r' || id)::uuid, org, md5('c' || o)::uuid, md5('m' || id)::uuid, mail, mail, true, '{"userName":"x"}', 1, k, k, 1 FROM p;
INSERT INTO scim_user_values (org_id, user_id, path, position, value_key, sorts) SELECT org, md5('r' || id)::uuid, 'emails.value', 0, mail, true FROM p;
INSERT INTO scim_user_values (org_id, user_id, path, position, value_key, sorts) SELECT org, md5('r' || id)::uuid, 'emails.type', 0, 'work', true FROM p;
INSERT INTO scim_groups (id, org_id, connection_id, display_name, display_name_key, version, created_at, updated_at, indexed_by)
  SELECT md5('g' || n || '-' || k)::uuid, md5('o' || n)::uuid, md5('c' || n)::uuid, 'G' || k, 'g' || k, 1, k, k, 1
  FROM generate_series(1, 51) n CROSS JOIN generate_series(1, 20) k;
INSERT INTO scim_group_members (org_id, group_id, user_id, added_at)
  SELECT org, md5('g' || o || '-' || g)::uuid, md5('r' || id)::uuid, 1 FROM p CROSS JOIN generate_series(1, 10) g WHERE g = 1 OR (k + g) % 4 = 0;
INSERT INTO group_mappings (id, org_id, group_id, group_name, org_role, created_at, created_by, bound_at, confirmed_at)
  SELECT md5('a' || n || '-' || k)::uuid, md5('o' || n)::uuid, md5('g' || n || '-' || k)::uuid, 'G' || k, 'auditor', 1, 'x', 1, 1
  FROM generate_series(1, 51) n CROSS JOIN generate_series(1, 10) k;
INSERT INTO sessions (id_hash, org_id, membership_id, auth_authority, auth_method, auth_time, created_at, last_seen_at, expires_at)
  SELECT uuid_send(id), org, md5('s' || id)::uuid, 'local', 'password', 1, 1, 1, 9000000000000000 FROM p;
SQL
psql "${admin%/*}/wall" -q -c "VACUUM ANALYZE"

org="md5('o1')::uuid" user="md5('r' || md5('u1-' || :k::text)::uuid)::uuid" hash="uuid_send(md5('u1-' || :k::text)::uuid)"
settings="set_config('statement_timeout', '15000', true), set_config('jit', 'off', true)"
begin="\\set k random(1, $users)
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
scope="SELECT set_config('rollcall.org', ($org)::text, true), $settings;"
token="t.id, t.org_id, t.connection_id, t.name, t.purpose, t.secret_hash, t.expires_at, t.retires_at, t.revoked_at, t.last_used_at, t.last_used_ip, t.allowed_from"
role="SELECT m.account_id, p.display_name, o.slug,
  (SELECT max(g.role) FROM role_grants g WHERE g.org_id = m.org_id AND g.membership_id = m.id),
  (SELECT max(gm.org_role) FROM scim_users r JOIN scim_group_members x ON x.org_id = r.org_id AND x.user_id = r.id
     JOIN group_mappings gm ON gm.org_id = x.org_id AND gm.group_id = x.group_id
   WHERE r.org_id = m.org_id AND r.member_id = m.member_id AND r.deleted_at IS NULL AND r.active
     AND gm.confirmed_at IS NOT NULL AND gm.paused_at IS NULL AND gm.closed_at IS NULL AND gm.org_role IS NOT NULL)
  FROM sessions s JOIN memberships m ON m.org_id = s.org_id AND m.id = s.membership_id JOIN members p ON p.org_id = m.org_id AND p.id = m.member_id
    JOIN users u ON u.id = m.account_id JOIN organizations o ON o.id = m.org_id
  WHERE s.id_hash = $hash AND s.expires_at > 1 AND s.last_seen_at > 0 AND m.proven_at IS NOT NULL AND NOT u.suspended AND NOT u.dormant
    AND NOT EXISTS (SELECT 1 FROM member_blocks b WHERE b.org_id = m.org_id AND b.member_id = m.member_id)"

# row NAME WITHOUT WITH: the same transaction without policies and with them; each on one line for pgbench.
row() {
  local round
  printf '%s\n' "$2" > "$work/without.pgb"
  printf '%s\n' "$3" > "$work/with.pgb"
  : > "$work/without" > "$work/with"
  for round in $(seq "$rounds"); do
    took "$work/without.pgb" "$owner" >> "$work/without"
    took "$work/with.pgb" "$app" >> "$work/with"
  done
  printf '| %s | %s | %s |\n' "$1" "$(decile "$work/without")" "$(decile "$work/with")"
}
# How long each transaction took, in microseconds; the first of them compiles its statements.
took() {
  "$pgbench" -n -M prepared -c1 -t 200 -l --log-prefix="$work/log" -f "$1" "$2" >/dev/null
  awk 'NR > 20 { print $3 }' "$work"/log.*
  rm -f "$work"/log.*
}
decile() { sort -n "$1" | awk '{ took[NR] = $1 } END { printf "%.3f", took[int(NR / 10) + 1] / 1000 }'; }
same() { row "$1" "$2" "$2"; }

printf '| one transaction of | without (ms) | with (ms) |\n| --- | ---: | ---: |\n'
row "a provisioning token, looked up" \
  "$begin
SELECT $token, c.status, o.drill_of, coalesce(h.status, 'disabled') FROM scim_tokens t JOIN scim_connections c ON c.org_id = t.org_id AND c.id = t.connection_id JOIN organizations o ON o.id = t.org_id LEFT JOIN scim_connections h ON h.org_id = o.drill_of WHERE t.id = md5('t1')::uuid;
ROLLBACK;" \
  "$begin
SELECT * FROM door_provisioning_token(md5('t1')::uuid, sha256(''));
ROLLBACK;"
row "a session with the role in force" \
  "$begin
$(tr '\n' ' ' <<<"$role");
ROLLBACK;" \
  "$begin
SELECT org_id, set_config('rollcall.org', org_id::text, true), $settings FROM door_session($hash);
$(tr '\n' ' ' <<<"$role AND s.org_id = $org");
ROLLBACK;"
same "userName eq" "$begin
$scope
SELECT r.* FROM scim_users r WHERE r.org_id = $org AND r.deleted_at IS NULL AND r.user_name_key = 'u1-' || :k::text || '@x.test' ORDER BY r.created_at, r.id LIMIT 100;
ROLLBACK;"
same "emails.value eq" "$begin
$scope
SELECT r.* FROM scim_users r WHERE r.org_id = $org AND r.deleted_at IS NULL AND EXISTS (SELECT 1 FROM scim_user_values v WHERE v.org_id = r.org_id AND v.user_id = r.id AND v.path = 'emails.value' AND v.value_start = 'u1-' || :k::text || '@x.test' AND substr(v.value_key, 201) = '') ORDER BY r.created_at, r.id LIMIT 100;
ROLLBACK;"
same "a page of 100 users" "$begin
$scope
SELECT r.* FROM scim_users r WHERE r.org_id = $org AND r.deleted_at IS NULL AND (r.created_at, r.id) > (:k::bigint, md5('r')::uuid) ORDER BY r.created_at, r.id LIMIT 100;
ROLLBACK;"
same "a page of 100 members of a group" "$begin
$scope
SELECT u.id, u.display_name, u.user_name FROM scim_group_members m JOIN scim_users u ON u.id = m.user_id WHERE m.org_id = $org AND m.group_id = md5('g1-1')::uuid AND u.deleted_at IS NULL ORDER BY m.user_id LIMIT 100;
ROLLBACK;"
same "a member out of a group, in again, and her record written" "\\set k random(1, $users)
BEGIN;
$scope
DELETE FROM scim_group_members WHERE org_id = $org AND group_id = md5('g1-1')::uuid AND user_id = $user;
INSERT INTO scim_group_members (org_id, group_id, user_id, added_at) SELECT u.org_id, g.id, u.id, 1 FROM scim_users u JOIN scim_groups g ON g.org_id = u.org_id AND g.id = md5('g1-1')::uuid WHERE u.org_id = $org AND u.id IN ($user) ON CONFLICT DO NOTHING RETURNING user_id;
UPDATE scim_users SET updated_at = updated_at + 1, version = version + 1 WHERE org_id = $org AND id = $user;
COMMIT;"
