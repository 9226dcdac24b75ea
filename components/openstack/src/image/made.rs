//! Images that Nova makes of servers, and images that become active in their own time.

use serde_json::{Value, json};

use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, ErrorKind, OperationState};

use super::wire::WireImage;
use crate::change::{done, pending};
use crate::cloud::{Cloud, shape_error};
use crate::compute::{Operation, Server, state};
use crate::service::Service;
use crate::wait;

/// The property that marks what this provider made for itself. Its value says what.
pub(crate) const MARK: &str = "stockade_image";

/// The mark of a snapshot of a VM.
pub(crate) const SNAPSHOT: &str = "snapshot";

/// The mark of an image that only carries content from one place to another.
pub(crate) const COPY: &str = "copy";

/// Has Nova make an image of a server; answers as soon as that is under way or done.
pub(crate) fn of_server<H: Host>(
    cloud: &Cloud<'_, H>,
    server: &Server,
    name: &str,
    properties: &Value,
    doing: &str,
) -> Result<Change, Error> {
    let id = ask(cloud, server, name, properties, doing)?;
    match wait_until_active(cloud, &id, doing)? {
        true => Ok(done(id)),
        false => Ok(pending(&id, &Operation::Image(id.clone()))),
    }
}

/// As [`of_server`], for images that are needed at once. One that takes too long is deleted again.
pub(crate) fn made_of_server<H: Host>(
    cloud: &Cloud<'_, H>,
    server: &Server,
    name: &str,
    properties: &Value,
    doing: &str,
) -> Result<String, Error> {
    let id = ask(cloud, server, name, properties, doing)?;
    if wait_until_active(cloud, &id, doing)? {
        return Ok(id);
    }
    let _ = cloud.call(Service::Image, "DELETE", ["images", &id]).remove(doing);
    let message = format!("while {doing}: Nova has not made the image in time; nothing was kept");
    Err(Error::new(ErrorKind::TimedOut, message))
}

fn ask<H: Host>(
    cloud: &Cloud<'_, H>,
    server: &Server,
    name: &str,
    properties: &Value,
    doing: &str,
) -> Result<String, Error> {
    let argument = json!({"name": name, "metadata": properties});
    let response = cloud.act(server, "createImage", &argument, doing)?;
    // Since microversion 2.45 the answer's body has the id.
    let answer: Value = response.json(doing)?;
    let id = answer.get("image_id").and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| shape_error(doing, "it has no `image_id`"))
}

/// Waits for an image's content; whether it is there. An image that fails is deleted.
///
/// # Errors
/// `upstream` when the image failed or vanished, which is how Nova and Glance tell that they could not make it.
pub(super) fn wait_until_active<H: Host>(cloud: &Cloud<'_, H>, id: &str, doing: &str) -> Result<bool, Error> {
    let active = wait::until(cloud.host, wait::BUDGET_MS, || {
        let image: Option<WireImage> = cloud.get(Service::Image, ["images", id]).find(doing)?;
        match image.as_ref().map(|image| image.status.as_str()) {
            Some("active") => Ok(Some(())),
            Some("killed" | "deleted" | "pending_delete" | "deactivated") | None => Err(failed(image.as_ref(), doing)),
            // Glance puts an import that failed back into the queue, and says why in a property.
            Some("queued") if image.as_ref().is_some_and(has_failed_import) => Err(failed(image.as_ref(), doing)),
            Some(_) => Ok(None),
        }
    });
    if active.is_err() {
        let _ = cloud.call(Service::Image, "DELETE", ["images", id]).remove(doing);
    }
    Ok(active?.is_some())
}

fn has_failed_import(image: &WireImage) -> bool {
    image
        .property("os_glance_failed_import")
        .is_some_and(|stores| !stores.is_empty())
}

fn failed(image: Option<&WireImage>, doing: &str) -> Error {
    let why = match image {
        None => "the image vanished: the service could not make it".to_owned(),
        Some(image) if has_failed_import(image) => "the image service could not fetch the content".to_owned(),
        Some(image) => format!("the image is `{}`", image.status),
    };
    Error::upstream(None, None, format!("while {doing}: {why}"))
}

/// How far an image is that becomes active in its own time.
pub(crate) fn poll<H: Host>(cloud: &Cloud<'_, H>, id: &str) -> Result<OperationState, Error> {
    let doing = format!("making image `{id}`");
    let call = cloud.get(Service::Image, ["images", id]);
    let image: Option<WireImage> = call.find(&doing)?;
    match image.as_ref().map(|image| image.status.as_str()) {
        Some("active") => Ok(state(true, None)),
        Some(status @ ("queued" | "saving" | "uploading" | "importing"))
            if !image.as_ref().is_some_and(has_failed_import) =>
        {
            Ok(state(false, Some(status.to_owned())))
        }
        _ => Err(failed(image.as_ref(), &doing)),
    }
}
