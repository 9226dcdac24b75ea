//! Makes the component. Nothing calls this module: its exports are for the host.

use crate::Hostile;

stockade_provider::export!(Hostile: images);
