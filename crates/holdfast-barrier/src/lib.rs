//! The only door between the halves: transactions that open and seal records; key ring; seal state.
