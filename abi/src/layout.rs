//! Macros for the structs of the interface that hold a C union or a long array.

/// Gives a struct whose C original ends in (or holds) a union typed access to it.
///
/// `get::<T>()` reads the union as its member `T`, `put(&T)` writes it and leaves the bytes behind it alone. A `T` that
/// is larger than the union does not compile.
macro_rules! union_access {
    ($ty:ident, $field:ident, $size:literal) => {
        impl $ty {
            /// The union as its member `T`.
            pub fn get<T: zerocopy::FromBytes>(&self) -> T {
                const { assert!(core::mem::size_of::<T>() <= $size) };
                match T::read_from_prefix(&self.$field) {
                    Ok((member, _)) => member,
                    // Cannot be: `T` fits.
                    Err(_) => T::new_zeroed(),
                }
            }

            /// Writes `member` to the start of the union; the rest of it stays as it is.
            pub fn put<T: zerocopy::IntoBytes + zerocopy::Immutable>(&mut self, member: &T) {
                const { assert!(core::mem::size_of::<T>() <= $size) };
                // Cannot fail: `T` fits.
                let _ = member.write_to_prefix(&mut self.$field);
            }
        }
    };
}

/// `Default`, all bytes zero, where an array is too long for the derive.
macro_rules! zeroed_default {
    ($ty:ident) => {
        impl Default for $ty {
            fn default() -> Self {
                zerocopy::FromZeros::new_zeroed()
            }
        }
    };
}

pub(crate) use union_access;
pub(crate) use zeroed_default;
