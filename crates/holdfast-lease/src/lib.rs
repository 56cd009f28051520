//! What ends by itself: leases and the expiry index.
