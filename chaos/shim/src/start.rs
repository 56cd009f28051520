//! What is done as the library is loaded.

use crate::{clock, cut, page};

/// The loader calls what stands in this section before `main`.
#[used]
// SAFETY: a list of pointers to functions that take nothing that is needed and give nothing back, which this is one of.
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    cut::cut_if_asked();
    clock::find_real();
    page::map();
}
