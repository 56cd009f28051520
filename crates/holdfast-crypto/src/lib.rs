//! Sealed records, key ring, name cipher and Shamir shares; randomness is passed in.
