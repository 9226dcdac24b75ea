//! Documents about the whole, as pages of the API documentation, so that their links are checked.
//!
//! Nothing here is code. `contract_map` and `limits` are also read by tests; one writes `abilities`; the decision records say why things are as they are.

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("grants.md")]
pub mod grants {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("glossary.md")]
pub mod glossary {}

#[doc = include_str!("contract-map.md")]
pub mod contract_map {}

#[doc = include_str!("abilities.md")]
pub mod abilities {}

/// Decision records: context, decision, what was rejected, consequences.
pub mod adr {
    #[doc = include_str!("adr/0001-credentials-are-attached-by-the-host.md")]
    pub mod credentials_are_attached_by_the_host {}

    #[doc = include_str!("adr/0002-one-set-of-types-from-the-wit.md")]
    pub mod one_set_of_types_from_the_wit {}

    #[doc = include_str!("adr/0003-a-fresh-store-for-each-call.md")]
    pub mod a_fresh_store_for_each_call {}

    #[doc = include_str!("adr/0004-compile-in-a-child-and-authenticate-artifacts.md")]
    pub mod compile_in_a_child_and_authenticate_artifacts {}

    #[doc = include_str!("adr/0005-virt-0-4.md")]
    pub mod virt_0_4 {}

    #[doc = include_str!("adr/0006-libvirt-is-loaded-when-it-is-used.md")]
    pub mod libvirt_is_loaded_when_it_is_used {}

    #[doc = include_str!("adr/0007-a-second-wall-of-processes.md")]
    pub mod a_second_wall_of_processes {}

    #[doc = include_str!("adr/0008-minisign-signatures-and-a-trust-file.md")]
    pub mod minisign_signatures_and_a_trust_file {}

    #[doc = include_str!("adr/0009-lists-of-libvirt-by-its-socket.md")]
    pub mod lists_of_libvirt_by_its_socket {}
}
