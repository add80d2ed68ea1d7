//! The two macros that keep the tables of this crate short.

/// Declares public constants of one type: `consts! { u32; NAME = value; … }`.
macro_rules! consts {
    ($ty:ty; $($(#[$meta:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$meta])* pub const $name: $ty = $value;)*
    };
}

/// Declares structures that are laid out as in C and may be read from and written to raw bytes.
/// Padding must be spelled out as fields: `IntoBytes` refuses implicit padding.
macro_rules! abi_struct {
    ($($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* })*) => {
        $(
            $(#[$meta])*
            #[repr(C)]
            #[derive(
                Clone, Copy, Debug, zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable,
                zerocopy::KnownLayout,
            )]
            pub struct $name { $($fields)* }

            impl Default for $name {
                /// All bytes zero.
                fn default() -> Self {
                    zerocopy::FromZeros::new_zeroed()
                }
            }
        )*
    };
}
