//! The `default` policy: what any token may do with itself.

/// Its text, as first written. Operators may change it.
pub(crate) const DEFAULT_POLICY: &str = r#"# What every token may do, unless it was made without this policy.
# It can be changed, but not deleted.

# A token may look at itself, prolong itself and end itself,
path "auth/token/lookup-self" {
  capabilities = ["read", "update"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# and ask what it may do.
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# Secrets that belong to this token alone.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list", "scan"]
}

# Leases whose ids it knows.
path "sys/renew" {
  capabilities = ["update"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/leases/lookup" {
  capabilities = ["update"]
}

# Wrapped answers.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}
path "sys/wrapping/lookup" {
  capabilities = ["read", "update"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Random bytes and hashes.
path "sys/tools/*" {
  capabilities = ["update"]
}
"#;
