//! Tests that stand for trials where a provider's setup has nothing behind an ability: they try the component against answers
//! made from the vendor's documentation.

use stockade_test_support::artifacts::workspace_root;

use crate::outcome::{Outcome, ensure};

/// The test of a function: its file below `components/NAME/src/tests`, and its name.
fn test(function: &str) -> Option<(&'static str, &'static str)> {
    (function == "images.import-image")
        .then_some(("images", "a_disk_that_is_in_s3_already_is_imported_and_stays_there"))
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
