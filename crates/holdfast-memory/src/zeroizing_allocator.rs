//! An allocator that wipes memory before it is freed.

#![expect(unsafe_code, reason = "implements GlobalAlloc")]

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, wiping every block when it is freed or moved.
///
/// It reaches what types cannot: the old block of a `Vec` that grew, strings inside a JSON parser, buffers of the web
/// server. Memory that C++ allocates (RocksDB) does not pass through it and holds sealed records only.
pub struct ZeroizingAllocator;

// SAFETY: every block comes from and goes back to `System` with the layout it was made with; wiping a block that is about to
// be freed breaks no promise. `realloc` keeps its default: a new block, a copy, and a wiped old one.
unsafe impl GlobalAlloc for ZeroizingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises about `layout` are exactly those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // An ordinary fill before a free is dead to the optimiser; this one is not.
        // SAFETY: the caller hands over a live block of `layout.size()` bytes.
        unsafe { libc::explicit_bzero(block.cast(), layout.size()) };
        // SAFETY: the block came from `System` with this layout.
        unsafe { System.dealloc(block, layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_keeps_the_bytes() {
        let layout = Layout::from_size_align(64, 16).expect("a valid layout");
        // SAFETY: the layout is not empty; the block is used within its size, grown once and freed once.
        unsafe {
            let block = ZeroizingAllocator.alloc(layout);
            assert!(!block.is_null());
            block.write_bytes(0x5a, 64);
            let grown = ZeroizingAllocator.realloc(block, layout, 4096);
            assert!(!grown.is_null());
            assert_eq!(std::slice::from_raw_parts(grown, 64), [0x5a; 64]);
            let layout = Layout::from_size_align(4096, 16).expect("a valid layout");
            ZeroizingAllocator.dealloc(grown, layout);
        }
    }
}
