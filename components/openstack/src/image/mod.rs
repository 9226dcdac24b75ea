//! Glance: images.

mod images;
mod made;
mod wire;

pub(crate) use made::{COPY, MARK, SNAPSHOT, made_of_server, of_server, poll};
pub(crate) use wire::WireImage;
