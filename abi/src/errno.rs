//! Error numbers of hypercalls (`errno.h`). Hypercalls return them negated.

use core::fmt;

/// A positive error number, as in `errno.h`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub i32);

impl Errno {
    /// What a hypercall returns for this error: the negated number.
    #[must_use]
    pub const fn to_ret(self) -> i64 {
        -(self.0 as i64)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Errno {}

macro_rules! errnos {
    ($($name:ident = $value:literal $doc:literal;)*) => {
        impl Errno {
            $(#[doc = $doc] pub const $name: Self = Self($value);)*

            /// The symbolic name, when the number is one of Xen's.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

errnos! {
    EPERM = 1 "Operation not permitted.";
    ENOENT = 2 "No such object.";
    ESRCH = 3 "No such domain.";
    EINTR = 4 "Interrupted; internal, guests never see it.";
    EIO = 5 "Input/output error.";
    ENXIO = 6 "No such device or address.";
    E2BIG = 7 "Argument list too long.";
    ENOEXEC = 8 "Not an executable format that is supported.";
    EBADF = 9 "Bad file number.";
    ECHILD = 10 "No child.";
    EAGAIN = 11 "Try again.";
    ENOMEM = 12 "Out of memory.";
    EACCES = 13 "Access denied.";
    EFAULT = 14 "Bad guest address.";
    EBUSY = 16 "In use.";
    EEXIST = 17 "Exists already.";
    EXDEV = 18 "Cross-device link.";
    ENODEV = 19 "No such device.";
    ENOTDIR = 20 "Not a directory.";
    EISDIR = 21 "Is a directory.";
    EINVAL = 22 "Invalid argument.";
    ENFILE = 23 "Table overflow.";
    EMFILE = 24 "Too many open.";
    ENOSPC = 28 "No space left.";
    EROFS = 30 "Read-only.";
    EMLINK = 31 "Too many links.";
    EDOM = 33 "Argument outside of the domain of the function.";
    ERANGE = 34 "Result not representable.";
    EDEADLK = 35 "Would deadlock.";
    ENAMETOOLONG = 36 "Name too long.";
    ENOLCK = 37 "No locks available.";
    ENOSYS = 38 "Not implemented.";
    ENOTEMPTY = 39 "Not empty.";
    ENODATA = 61 "No data available.";
    ETIME = 62 "The time has passed.";
    EBADMSG = 74 "Malformed message.";
    EOVERFLOW = 75 "Value too large for its type.";
    EILSEQ = 84 "Illegal byte sequence.";
    ERESTART = 85 "To be restarted; internal, guests never see it.";
    ENOTSOCK = 88 "Not a socket.";
    EMSGSIZE = 90 "Message too large.";
    EOPNOTSUPP = 95 "Operation not supported.";
    EADDRINUSE = 98 "Address in use.";
    EADDRNOTAVAIL = 99 "Address not available.";
    ENOBUFS = 105 "No buffer space.";
    EISCONN = 106 "Connected already.";
    ENOTCONN = 107 "Not connected.";
    ETIMEDOUT = 110 "Timed out.";
    ECONNREFUSED = 111 "Connection refused.";
}

impl Errno {
    /// Alias of [`Errno::EAGAIN`].
    pub const EWOULDBLOCK: Self = Self::EAGAIN;
    /// Alias of [`Errno::EDEADLK`].
    pub const EDEADLOCK: Self = Self::EDEADLK;
}
