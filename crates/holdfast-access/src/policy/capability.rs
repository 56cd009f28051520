//! What can be granted on a path.

/// One thing that a policy can grant, or `Deny`, which takes everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Capability {
    /// Write where nothing stands yet.
    Create = 1,
    /// Read.
    Read = 1 << 1,
    /// Write over what stands there.
    Update = 1 << 2,
    /// Delete.
    Delete = 1 << 3,
    /// List one directory.
    List = 1 << 4,
    /// List everything below.
    Scan = 1 << 5,
    /// Change a part.
    Patch = 1 << 6,
    /// Use routes that ask for it, beside what they ask otherwise.
    Sudo = 1 << 7,
    /// Nothing, whatever else is granted by the same pattern.
    Deny = 1 << 8,
    /// Follow events. Kept for policies from elsewhere; no route asks for it yet.
    Subscribe = 1 << 9,
    /// Bring back from a snapshot. Kept for policies from elsewhere; no route asks for it yet.
    Recover = 1 << 10,
}

impl Capability {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::Create,
        Self::Delete,
        Self::Deny,
        Self::List,
        Self::Patch,
        Self::Read,
        Self::Recover,
        Self::Scan,
        Self::Subscribe,
        Self::Sudo,
        Self::Update,
    ];

    /// As policies write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Scan => "scan",
            Self::Patch => "patch",
            Self::Sudo => "sudo",
            Self::Deny => "deny",
            Self::Subscribe => "subscribe",
            Self::Recover => "recover",
        }
    }

    /// The capability of a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.as_str() == text)
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapabilitySet(u16);

impl CapabilitySet {
    /// The set of some capabilities.
    #[must_use]
    pub fn of(capabilities: &[Capability]) -> Self {
        let mut set = Self::default();
        for capability in capabilities {
            set.insert(*capability);
        }
        set
    }

    /// Adds one.
    pub const fn insert(&mut self, capability: Capability) {
        self.0 |= capability as u16;
    }

    /// Whether it holds one.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & capability as u16 != 0
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it grants nothing: empty, or with `deny`.
    #[must_use]
    pub const fn denies(self) -> bool {
        self.0 == 0 || self.has(Capability::Deny)
    }

    /// Names in alphabetical order; `deny` alone when it grants nothing.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        if self.denies() {
            return vec![Capability::Deny.as_str()];
        }
        let held = Capability::ALL
            .into_iter()
            .filter(|capability| self.has(*capability));
        held.map(Capability::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_distinct_named_and_sorted() {
        let names: Vec<_> = Capability::ALL
            .iter()
            .map(|capability| capability.as_str())
            .collect();
        assert!(names.is_sorted());
        for capability in Capability::ALL {
            assert_eq!(Capability::parse(capability.as_str()), Some(capability));
            let alone = CapabilitySet::of(&[capability]);
            assert_eq!(
                Capability::ALL
                    .iter()
                    .filter(|other| alone.has(**other))
                    .count(),
                1
            );
        }
        assert_eq!(Capability::parse("Read"), None);
    }

    #[test]
    fn deny_hides_everything_else() {
        let mut set = CapabilitySet::default();
        assert_eq!(set.names(), ["deny"]);
        set = set.union(CapabilitySet::of(&[Capability::Read, Capability::Create]));
        assert_eq!(set.names(), ["create", "read"]);
        set.insert(Capability::Deny);
        assert_eq!(set.names(), ["deny"]);
        assert!(set.denies());
    }
}
