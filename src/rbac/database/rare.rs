//! Facts that few databases have: a list of ten thousand holds, moves and clears away no room for them.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cloud::{Aws, Azure, Gcp};

/// Facts that are mostly not there; reads as the empty ones then.
#[derive(Clone, Debug)]
pub struct Rare<T>(Option<Box<T>>);

/// What nothing set looks like.
pub trait Empty: Default + PartialEq + 'static {
    /// The one value of that kind.
    fn empty() -> &'static Self;
    /// Whether this one is such.
    fn is_unset(&self) -> bool;
}

macro_rules! empty {
    ($($name:ident)*) => {$(
        impl Empty for $name {
            fn empty() -> &'static Self {
                static EMPTY: LazyLock<$name> = LazyLock::new($name::default);
                &EMPTY
            }

            fn is_unset(&self) -> bool {
                self.is_empty()
            }
        }
    )*};
}

empty!(Aws Azure Gcp);

impl<T: Empty> Rare<T> {
    /// The facts themselves.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0.map_or_else(T::default, |facts| *facts)
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Empty> From<T> for Rare<T> {
    fn from(facts: T) -> Self {
        Self((!facts.is_unset()).then(|| Box::new(facts)))
    }
}

impl<T: Empty> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::empty())
    }
}

impl<T: Empty> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Empty> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Empty + Eq> Eq for Rare<T> {}

impl<T: Empty + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Empty + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_reads_compares_and_prints_as_the_empty_one() {
        let none = Rare::<Aws>::default();
        let mut touched = Rare::<Aws>::default();
        assert!(touched.is_empty() && Rare::from(Aws::default()).0.is_none());
        touched.region.clear();
        assert_eq!(touched, none);
        assert_eq!(
            serde_json::to_value(&none).expect("JSON"),
            serde_json::to_value(Aws::default()).expect("JSON")
        );
        touched.region.push_str("eu-west-1");
        assert_ne!(touched, none);
        let read: Rare<Aws> = serde_json::from_value(json!({"region": "eu-west-1"})).expect("one");
        assert_eq!(read, touched);
        assert_eq!(read.into_inner().region, "eu-west-1");
    }

    #[test]
    fn a_database_is_small() {
        assert!(size_of::<super::super::Database>() < 1024);
    }
}
