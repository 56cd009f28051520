//! Every limit of the product in one place, tied together by assertions that fail the build.

/// Longest path after `/v1/`, in bytes (`CanonPath`).
pub const PATH_BYTES_MAX: usize = 4096;
/// Most segments of a path.
pub const PATH_SEGMENTS_MAX: usize = 64;
/// Largest HTTP request body, in bytes; more is answered 413.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Deepest nesting of a JSON body.
pub const JSON_DEPTH_MAX: usize = 64;
/// Most values (members and elements together) in a JSON body.
pub const JSON_NODES_MAX: usize = 100_000;
/// Largest token header, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Largest plaintext of one record, in bytes.
pub const RECORD_PLAINTEXT_BYTES_MAX: usize = 1024 * 1024;
/// Largest stored key, in bytes: every segment sealed and padded.
pub const KEY_BYTES_MAX: usize = 16 * 1024;
/// Most asserts of one transaction.
pub const TXN_ASSERTS_MAX: usize = 4096;
/// Most writes of one transaction.
pub const TXN_WRITES_MAX: usize = 4096;
/// Largest encoded transaction, in bytes.
pub const TXN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many of the latest transactions' outcomes are kept to recognise a repeated propose.
pub const DEDUPE_ENTRIES: u64 = 65_536;
/// Most nodes in a cluster.
pub const NODES_MAX: usize = 31;
/// Longest time one request may take, in milliseconds.
pub const REQUEST_TIME_MS_MAX: u64 = 90_000;
/// Most tries of one transaction when others keep changing what it read.
pub const TXN_ATTEMPTS_MAX: u32 = 16;
/// Most keys returned by one LIST or SCAN page.
pub const LIST_KEYS_MAX: usize = 100_000;
/// Largest frame between peers, in bytes (snapshot chunks included).
pub const PEER_FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most log bytes sent in one append.
pub const APPEND_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest text of a policy, in bytes.
pub const POLICY_TEXT_BYTES_MAX: usize = 256 * 1024;
/// Most path blocks of a policy.
pub const POLICY_PATHS_MAX: usize = 4096;
/// Deepest nesting of a policy's text.
pub const POLICY_DEPTH_MAX: usize = 16;
/// Most policies of one token.
pub const TOKEN_POLICIES_MAX: usize = 256;
/// Most members of a token's metadata.
pub const TOKEN_META_MAX: usize = 64;
/// Largest metadata of a token, in bytes, keys and values together.
pub const TOKEN_META_BYTES_MAX: usize = 16 * 1024;
/// Longest line of ancestors of a token: each is looked at whenever the token is used.
pub const TOKEN_DEPTH_MAX: u16 = 64;
/// Most tokens ended by one transaction.
pub const REVOKED_AT_ONCE_MAX: usize = 200;
/// Most records of a token's own secrets deleted by one transaction.
pub const REVOKED_SECRETS_AT_ONCE_MAX: usize = 1000;
/// Most paths asked of `sys/capabilities` at once.
pub const CAPABILITY_PATHS_MAX: usize = 1000;
/// Most shares of a set (GF(2⁸) has 255 non-zero points).
pub const SHARES_MAX: u8 = 255;

const _: () = {
    assert!(
        RECORD_PLAINTEXT_BYTES_MAX * 2 <= TXN_BYTES_MAX,
        "a transaction holds at least two full records"
    );
    assert!(
        TXN_BYTES_MAX * 2 <= PEER_FRAME_BYTES_MAX,
        "a forwarded transaction fits a frame with room for its envelope"
    );
    assert!(
        APPEND_BYTES_MAX <= TXN_BYTES_MAX,
        "one oversized entry is still sent alone"
    );
    assert!(
        POLICY_TEXT_BYTES_MAX * 2 <= RECORD_PLAINTEXT_BYTES_MAX,
        "a policy fits a record"
    );
    assert!(
        REVOKED_AT_ONCE_MAX * 8 + REVOKED_SECRETS_AT_ONCE_MAX <= TXN_WRITES_MAX
            && REVOKED_SECRETS_AT_ONCE_MAX <= TXN_WRITES_MAX / 2,
        "ending tokens fits a transaction"
    );
    assert!(
        PATH_BYTES_MAX * 2 < KEY_BYTES_MAX,
        "the longest path fits a stored key"
    );
};
