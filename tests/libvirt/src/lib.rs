//! The command and its server on a real libvirt.
//!
//! The suite is `tests/daemon`; this library is empty, because a package needs one target that other tools can name.
