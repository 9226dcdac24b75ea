//! Swift: buckets, which it calls containers, and objects.

mod buckets;
