//! A value in locked memory.

#![expect(unsafe_code, reason = "owns a slot of the slab through a raw pointer")]

use crate::slab::{SLOT_BYTES_MAX, give_back, slot_bytes, take};
use std::alloc::Layout;
use std::ptr::NonNull;

/// A value of at most 4 KiB in locked memory, dropped and then wiped.
///
/// For secrets that are not plain bytes, such as a prepared cipher. The value must not point to secrets elsewhere. Moving it
/// in leaves a copy on the stack that was its birthplace; plain bytes avoid that with
/// [`SecretBytes`](crate::SecretBytes).
pub struct SecretBox<T> {
    value: NonNull<T>,
}

// SAFETY: the box owns its value and gives access to it only through borrows of the box, like `Box`.
unsafe impl<T: Send> Send for SecretBox<T> {}
// SAFETY: as above; a shared box gives shared access only.
unsafe impl<T: Sync> Sync for SecretBox<T> {}

impl<T> SecretBox<T> {
    const LAYOUT: Layout = {
        let layout = Layout::new::<T>();
        assert!(slot_bytes(layout) <= SLOT_BYTES_MAX, "a secret fits a slot");
        layout
    };

    /// Moves a value into locked memory.
    #[must_use]
    pub fn new(value: T) -> Self {
        let slot = take(Self::LAYOUT).cast::<T>();
        // SAFETY: the slot is large and aligned enough for `T`, writable, and ours alone.
        unsafe { slot.write(value) };
        Self { value: slot }
    }

    /// The value. Do not copy it to where it would outlive its use.
    #[must_use]
    pub const fn expose(&self) -> &T {
        // SAFETY: the slot holds a valid `T` from `new` until the drop, and `&self` keeps writers away.
        unsafe { self.value.as_ref() }
    }

    /// The value, to be changed in place.
    #[must_use]
    pub const fn expose_mut(&mut self) -> &mut T {
        // SAFETY: the slot holds a valid `T`, and `&mut self` is the only way to it.
        unsafe { self.value.as_mut() }
    }
}

impl<T> Drop for SecretBox<T> {
    fn drop(&mut self) {
        // SAFETY: the value is valid, is dropped once, and nobody can reach it after this.
        unsafe { self.value.drop_in_place() };
        // SAFETY: the slot came from `take` with this layout and its value is gone.
        unsafe { give_back(self.value.cast(), Self::LAYOUT) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// No other test uses slots of 2 KiB, so the freed slot is not taken while this one looks at it.
    #[test]
    fn a_dropped_value_is_wiped() {
        let mut secret = SecretBox::new([0xa5u8; 1500]);
        secret.expose_mut()[7] = 1;
        let at = secret.value;
        assert_eq!(
            secret.expose()[..9],
            [0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 1, 0xa5]
        );
        drop(secret);
        // SAFETY: key pages stay mapped for the life of the process, and no other test uses this size of slot.
        let left = unsafe { std::slice::from_raw_parts(at.as_ptr().cast::<u8>(), 2048) };
        assert!(
            left.iter().all(|byte| *byte == 0),
            "a trace of the secret is left"
        );
        let next = SecretBox::new([1u8; 1025]);
        assert_eq!(
            next.value.cast::<u8>(),
            at.cast::<u8>(),
            "the slot is used again"
        );
    }

    #[test]
    fn what_it_holds_is_dropped_once() {
        let inner = Arc::new(());
        let secret = SecretBox::new(Arc::clone(&inner));
        assert_eq!(Arc::strong_count(&inner), 2);
        drop(secret);
        assert_eq!(Arc::strong_count(&inner), 1);
    }
}
