//! Which trials prove a function: the first that runs on a provider is named in the table.

use stockade::contract::Ability;

use super::provider::Provider;

/// The trial that calls every function of every exported ability.
pub(super) const EVERY_FUNCTION: &str = "every_function_of_an_exported_ability_answers";

/// Whether a trial that runs on a provider meets nothing but a documented refusal there, and so proves nothing.
pub(super) fn meets_a_refusal(trial: &str, provider: &Provider) -> bool {
    match trial {
        "an_uploaded_image_is_used_and_deleted" => provider.refusal(Ability::Images, "upload-image").is_some(),
        // It serves the image by plain HTTP, from where EC2 fetches nothing.
        "an_image_is_fetched_from_a_url" => provider.name == "aws",
        _ => false,
    }
}

/// The trials that prove a function, the most telling first. One without any is proven by [`EVERY_FUNCTION`] alone.
pub(super) fn proofs(function: &str) -> &'static [&'static str] {
    match function {
        "info.describe" => &["a_misspelt_option_of_a_vm_is_met_with_the_right_one"],
        "info.check-connection" => &["the_connection_works"],
        "vms.list-vms" => &["pages_hold_everything_once_and_none_is_too_long"],
        "vms.get-vm" => &["a_list_and_a_single_read_agree"],
        "vms.create-vm" => &[
            "a_created_vm_is_what_the_spec_asks_for",
            "a_vm_is_found_by_its_name_and_by_its_id",
        ],
        "vms.delete-vm" => &["deleting_leaves_nothing_behind"],
        "vms.start-vm" | "vms.stop-vm" => &["power_goes_on_and_off"],
        "vms.restart-vm" => &["restarting_a_running_vm_keeps_it_running"],
        "vm-pause.pause-vm" | "vm-pause.resume-vm" => &["pausing_a_paused_vm_and_resuming_a_running_one_is_success"],
        "vm-pause.reset-vm" => &["a_reset_vm_keeps_running"],
        "vm-pause.suspend-vm" => &["a_suspended_vm_continues_where_it_left_off"],
        "vm-resize.upgrade-vm-hardware" => &["the_hardware_of_a_stopped_vm_is_upgraded"],
        "vm-resize.resize-vm" => &["a_stopped_vm_is_resized"],
        "vm-metadata.update-vm-metadata" => &["metadata_is_set_changed_and_removed"],
        "vm-metadata.set-vm-description" => &["a_description_is_set_and_removed"],
        "vm-metadata.set-vm-autostart" => &["autostart_is_set_and_removed"],
        "vm-clone.clone-vm" => &["a_clone_stands_alone"],
        "vm-export.export-vm" => &["an_exported_vm_is_an_image_that_stands_alone"],
        "vm-export.download-vm-disk" => &["a_disk_is_downloaded_whole"],
        "vm-media.insert-vm-media" => &["an_iso_image_is_inserted_ejected_and_kept"],
        "vm-media.eject-vm-media" => &[
            "an_iso_image_is_inserted_ejected_and_kept",
            "ejecting_from_an_empty_drive_is_success",
        ],
        "consoles.open-vm-console" => &["a_console_of_a_running_vm_can_be_reached"],
        "consoles.read-vm-console-log" => &["what_a_vm_printed_can_be_read"],
        "consoles.take-vm-screenshot" => &["a_picture_of_a_screen_is_a_png"],
        "migrations.migrate-vm" => &[
            "a_running_vm_moves_to_another_host",
            "a_vm_does_not_move_to_a_host_that_is_not_there",
        ],
        "events.poll-events" => &["what_happens_after_a_cursor_is_told_once"],
        "flavors.list-flavors" => &["flavors_have_names_and_sizes"],
        "hosts.list-hosts" => &["there_is_a_host"],
        other => storage(other).or_else(|| guest(other)).unwrap_or(network(other)),
    }
}

fn guest(function: &str) -> Option<&'static [&'static str]> {
    Some(match function {
        "guest-agent.get-guest-info" => &["a_guest_tells_about_itself"],
        "guest-agent.run-guest-command" => &["a_command_ends_or_is_refused"],
        "guest-agent.set-guest-password" | "guest-agent.set-guest-ssh-keys" => &["a_guest_has_the_users_that_it_has"],
        "guest-agent.freeze-guest" | "guest-agent.thaw-guest" => &["a_frozen_guest_is_thawed"],
        _ => return None,
    })
}

fn storage(function: &str) -> Option<&'static [&'static str]> {
    Some(match function {
        "snapshots.list-snapshots" => &["a_new_vm_has_no_snapshots"],
        "snapshots.create-snapshot" | "snapshots.revert-snapshot" | "snapshots.delete-snapshot" => {
            &["a_snapshot_lives_and_dies"]
        }
        "disks.list-disks" | "disks.get-disk" | "disks.create-disk" => &["a_disk_of_a_vm_is_listed_with_it"],
        "disks.delete-disk" => &["an_attached_disk_is_not_deleted"],
        "disks.resize-disk" => &["a_disk_grows_and_never_shrinks"],
        "disks.attach-disk" | "disks.detach-disk" => &["a_disk_is_attached_and_detached"],
        "pools.list-pools" | "pools.get-pool" => &["the_default_pool_is_read_by_name_and_by_id"],
        "pools.create-pool" | "pools.delete-pool" => &["a_pool_lives_and_dies"],
        "images.list-images" | "images.get-image" => &["an_image_is_found_by_its_name_and_by_its_id"],
        "images.upload-image" => &["an_uploaded_image_is_used_and_deleted"],
        "images.import-image" => &["an_image_is_fetched_from_a_url"],
        "images.delete-image" => &[
            "an_uploaded_image_is_used_and_deleted",
            "an_image_in_use_is_not_deleted",
        ],
        "buckets.list-buckets" | "buckets.create-bucket" => &["a_bucket_lives_and_dies"],
        "buckets.delete-bucket" => &["a_bucket_with_contents_is_deleted_only_on_demand"],
        "buckets.list-bucket-objects" => &["keys_are_listed_by_prefix_and_page"],
        "buckets.upload-bucket-object" | "buckets.download-bucket-object" => &["an_object_comes_back_as_it_went"],
        "buckets.delete-bucket-object" => &["odd_keys_are_kept_as_they_are"],
        "buckets.presign-bucket-object" => &["an_object_has_a_url_for_a_while"],
        _ => return None,
    })
}

fn network(function: &str) -> &'static [&'static str] {
    match function {
        "nics.add-nic" | "nics.remove-nic" => &["an_interface_is_added_and_removed"],
        "nics.update-nic" => &[
            "an_interface_moves_to_another_network_and_keeps_its_mac",
            "an_interface_on_a_missing_network_stays_where_it_is",
        ],
        "networks.list-networks" | "networks.get-network" => &["the_default_network_is_read_by_name_and_by_id"],
        "networks.create-network" | "networks.delete-network" => &["a_network_lives_and_dies"],
        "networks.update-network" => &["a_network_is_changed"],
        "subnets.list-subnets" | "subnets.get-subnet" => &["every_subnet_is_read_by_its_id"],
        "subnets.create-subnet" | "subnets.update-subnet" | "subnets.delete-subnet" => &["a_subnet_lives_and_dies"],
        "security-groups.list-security-groups"
        | "security-groups.get-security-group"
        | "security-groups.create-security-group"
        | "security-groups.update-security-group"
        | "security-groups.delete-security-group" => &["a_security_group_has_exactly_its_rules"],
        "load-balancers.set-load-balancer-members" => &["the_members_are_those_that_were_named"],
        "load-balancers.list-load-balancers"
        | "load-balancers.get-load-balancer"
        | "load-balancers.create-load-balancer"
        | "load-balancers.delete-load-balancer" => &["a_load_balancer_lives_and_dies"],
        "dns.list-dns-zones" => &["the_zone_of_the_trials_is_listed"],
        "dns.list-dns-records" | "dns.set-dns-record" | "dns.delete-dns-record" => {
            &["a_name_is_set_replaced_and_deleted"]
        }
        _ => &[],
    }
}
