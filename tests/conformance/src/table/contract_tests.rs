//! Tests that stand for trials where a provider's setup has nothing behind an ability: they try the component against answers
//! made from the vendor's documentation.

use stockade_test_support::artifacts::workspace_root;

use crate::outcome::{Outcome, ensure};

/// The test of a function: its file below `components/NAME/src/tests`, and its name.
fn test(function: &str) -> Option<(&'static str, &'static str)> {
    Some(match function {
        "disks.list-disks" | "disks.get-disk" => ("disks", "a_disk_is_read_by_its_name_with_its_pool_and_metadata"),
        "disks.create-disk" => ("disks", "a_disk_that_cannot_be_made_is_deleted_again"),
        "disks.delete-disk" | "disks.resize-disk" => (
            "disks",
            "an_attached_disk_grows_with_a_newer_version_and_is_not_deleted",
        ),
        "disks.attach-disk" | "disks.detach-disk" => ("disks", "a_disk_is_attached_to_a_vm_and_detached_from_it"),
        "images.import-image" => ("images", "a_disk_that_is_in_s3_already_is_imported_and_stays_there"),
        "pools.list-pools" | "pools.get-pool" | "pools.create-pool" | "pools.delete-pool" => {
            ("disks", "pools_are_types_of_volumes_that_nobody_makes_here")
        }
        "dns.list-dns-zones" | "dns.list-dns-records" => ("dns", "names_have_no_final_dot_here_and_one_there"),
        "dns.set-dns-record" | "dns.delete-dns-record" => ("dns", "data_that_is_there_is_replaced_only_when_asked"),
        "load-balancers.create-load-balancer" => ("balancers", "a_load_balancer_is_asked_for_whole"),
        "load-balancers.list-load-balancers"
        | "load-balancers.get-load-balancer"
        | "load-balancers.set-load-balancer-members"
        | "load-balancers.delete-load-balancer" => (
            "balancers",
            "a_load_balancer_is_read_with_its_parts_changed_and_deleted",
        ),
        _ => return None,
    })
}

/// The name of a function's test, which is there and calls the function.
pub(super) fn proof(provider: &str, function: &str) -> Outcome<&'static str> {
    let (file, name) = test(function).ok_or_else(|| format!("nothing tries `{function}` of `{provider}`"))?;
    let path = workspace_root().join(format!("components/{provider}/src/tests/{file}.rs"));
    let text = std::fs::read_to_string(&path)?;
    let after = text.split_once(&format!("fn {name}()")).map(|(_, after)| after);
    let body = after.and_then(|after| after.split_once("\n}\n")).map(|(body, _)| body);
    let (_, method) = function.split_once('.').unwrap_or_default();
    let method = method.replace('-', "_");
    ensure!(
        body.is_some_and(|body| body.contains(&format!("::{method}("))),
        "`{}` has no test `{name}` that calls `{method}`",
        path.display()
    );
    Ok(name)
}
