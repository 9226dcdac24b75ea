//! Lists without end, and values that no type of the contract has.

use serde_json::json;
use stockade::connections::OptionInput;
use stockade::contract::ErrorKind;

use crate::lab::{Lab, Setup, Trial};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_list_that_does_not_end_is_stopped",
        attempts: &["list endless", "list repeats"],
        run: endless,
    },
    Trial {
        name: "a_page_that_is_too_large_is_not_taken",
        attempts: &["list huge"],
        run: huge,
    },
    Trial {
        name: "values_outside_their_types_are_refused",
        attempts: &["attempt invalid-status", "attempt invalid-text"],
        run: garbage,
    },
];

fn listing(lab: &Lab, list: &str) -> Setup {
    if list != "plain" {
        lab.note(&format!("list {list}"));
    }
    Setup::nothing().option("list", OptionInput::Text(list.to_owned()))
}

fn endless(lab: &Lab) {
    for list in ["endless", "repeats"] {
        let (service, _) = lab.connect(&listing(lab, list));
        let error = lab.wait(service.list_vms()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("list does not end"), "{list}: {error}");
        lab.works(&service);
    }
    let (service, _) = lab.connect(&listing(lab, "plain"));
    assert_eq!(lab.wait(service.list_vms()).unwrap().len(), 1);
}

fn huge(lab: &Lab) {
    let (service, _) = lab.connect(&listing(lab, "huge").limits(|limits| limits.host_data_mib = 1));
    let error = lab.wait(service.list_vms()).unwrap_err();
    assert!(error.to_string().contains("`host_data_mib`"), "{error}");
    lab.works(&service);
    let (service, _) = lab.connect(&listing(lab, "huge"));
    assert_eq!(lab.wait(service.list_vms()).unwrap().len(), 5_000);
}

fn garbage(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing());
    for (attempt, told) in [("invalid-status", "discriminant"), ("invalid-text", "utf-8")] {
        let error = lab.attempt(&service, attempt, json!({})).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains(told), "{error}");
    }
}
