//! An allocator that wipes what is freed.
//!
//! It reaches what types cannot: buffers inside parsers, vectors that moved when they grew.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, wiping memory before it is given back.
#[derive(Clone, Copy, Debug, Default)]
pub struct WipingAllocator;

// SAFETY: every call is handed to the system's allocator with the layout it came with; memory is only written to while it
// still belongs to the caller. `realloc` keeps the default, which allocates, copies and deallocates through this type.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's until `System.dealloc`, and `layout.size()` bytes long.
        unsafe {
            wipe(pointer, layout.size());
            System.dealloc(pointer, layout);
        }
    }
}

/// Writes zeroes that the optimiser must keep.
///
/// # Safety
/// `pointer` must be valid for writes of `size` bytes.
unsafe fn wipe(pointer: *mut u8, size: usize) {
    // SAFETY: the caller's promise; the empty assembly tells the compiler that the memory is looked at.
    unsafe {
        std::ptr::write_bytes(pointer, 0, size);
        std::arch::asm!("/* {0} */", in(reg) pointer, options(nostack, preserves_flags));
    }
}
