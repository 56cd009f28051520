//! Who may: tokens and policies.
