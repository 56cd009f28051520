//! Plain names of records, above the barrier.

use holdfast_types::{Class, NamespaceId};

/// The plain name of a record: namespace, class, and the segments under it.
///
/// Segments may hold any text; each is sealed on its own, so a segment is never confused with two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    pub(crate) namespace: NamespaceId,
    pub(crate) class: Class,
    pub(crate) order: u64,
    pub(crate) segments: Vec<String>,
}

impl Name {
    /// The root of a class in a namespace; add segments with [`Name::with`].
    #[must_use]
    pub const fn new(namespace: NamespaceId, class: Class) -> Self {
        Self {
            namespace,
            class,
            order: 0,
            segments: Vec::new(),
        }
    }

    /// The root of an ordered class: names with a lower `order` (stored in clear) come first in a scan.
    #[must_use]
    pub fn ordered(namespace: NamespaceId, class: Class, order: u64) -> Self {
        debug_assert!(class.is_ordered(), "the class keeps an order");
        Self {
            namespace,
            class,
            order,
            segments: Vec::new(),
        }
    }

    /// One segment more.
    #[must_use]
    pub fn with(mut self, segment: impl Into<String>) -> Self {
        self.segments.push(segment.into());
        self
    }

    /// Several segments more.
    #[must_use]
    pub fn with_all<'a>(mut self, segments: impl IntoIterator<Item = &'a str>) -> Self {
        self.segments
            .extend(segments.into_iter().map(str::to_owned));
        self
    }

    /// The namespace it lies in.
    #[must_use]
    pub const fn namespace(&self) -> NamespaceId {
        self.namespace
    }

    /// The segments.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

/// One entry of a directory listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Child {
    /// The segment's plain text.
    pub segment: String,
    /// A record stands at this name.
    pub leaf: bool,
    /// Records stand below this name.
    pub folder: bool,
}
