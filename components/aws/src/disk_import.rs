//! Disks in S3 that become images, in three steps: EC2 makes a snapshot of an object, the snapshot becomes an image, and what
//! was uploaded for it is deleted.
//!
//! Sources: <https://docs.aws.amazon.com/vm-import/latest/userguide/vmimport-import-snapshot.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportSnapshot.html>. EC2 reads the object as a role of the
//! account's, which is called `vmimport` unless it is said otherwise
//! (<https://docs.aws.amazon.com/vm-import/latest/userguide/required-permissions.html>).

use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, ErrorKind, Level, OperationState, Subject};

use crate::buckets;
use crate::client::Client;
use crate::image::MachineImage;
use crate::images;
use crate::new_image::NewImage;
use crate::operations::{self, Awaited, Kind};
use crate::query::Query;
use crate::things::tagged;

/// The first part of the keys of what is uploaded, so that an operator can grant just these.
pub(crate) const KEY_PREFIX: &str = "stockade-import/";
/// What the device of an image's first disk is called:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html>.
const ROOT_DEVICE: &str = "/dev/sda1";
/// The word of a task that has ended well.
const COMPLETED: &str = "completed";
/// Stands between the parts of a token; neither names of buckets and images nor our keys have it.
const SEPARATOR: char = '+';

/// An object in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// An import that EC2 has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskImport {
    /// The id of EC2's task.
    task: String,
    architecture: String,
    boot_mode: Option<String>,
    /// What was uploaded for it, and goes with it; none for an object of the caller's.
    uploaded: Option<Object>,
    /// The name of the image to be.
    name: String,
}

/// How far EC2's task is.
struct Task {
    status: String,
    message: Option<String>,
    progress: Option<u8>,
    snapshot: Option<String>,
}

/// Has EC2 begin an import of an object; what was uploaded for it is deleted when EC2 refuses.
pub(crate) fn begin<H: Host>(
    client: &Client<'_, H>,
    image: &NewImage,
    (object, is_uploaded): (Object, bool),
    (format, role): (&str, Option<&str>),
) -> Result<Change, Error> {
    let query = Query::ec2("ImportSnapshot")
        .with("Description", format!("of image {}", image.name))
        .with("DiskContainer.Format", format)
        .with("DiskContainer.UserBucket.S3Bucket", &object.bucket)
        .with("DiskContainer.UserBucket.S3Key", &object.key)
        .with_some("RoleName", role);
    let query = client.once(tagged(query, "import-snapshot-task", &image.name, &[]));
    let doing = format!("importing image `{}` from bucket `{}`", image.name, object.bucket);
    let begun = client.read(&query, &doing, |root| {
        root.string("importTaskId")
            .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
    });
    let uploaded = is_uploaded.then_some(object);
    let task = begun.map_err(|error| with_left(error, uploaded.as_ref().map(|object| remove(client, object))))?;
    let import = DiskImport {
        task,
        architecture: image.architecture.clone(),
        boot_mode: image.boot_mode.clone(),
        uploaded,
        name: image.name.clone(),
    };
    let mut change = operations::pending(client.host(), Kind::DiskImport, &import.write(), COMPLETED);
    // EC2 has no id of the image yet, and its name is usable wherever one is.
    change.id = image.name.clone();
    Ok(change)
}

/// How far an import is; takes the next step when EC2's task has ended.
pub(crate) fn poll<H: Host>(client: &Client<'_, H>, awaited: &Awaited) -> Result<OperationState, Error> {
    let import = DiskImport::read(&awaited.id).ok_or_else(|| Error::not_found("operation", &awaited.id))?;
    match import.task(client) {
        Err(error) if is_unknown(&error) => Ok(still(None, error.message)),
        Err(error) => {
            let error = with_left(error, Some(import.give_up(client)));
            Err(import.undone(client, error, None))
        }
        Ok(task) => import.step(client, awaited, task),
    }
}

/// Gives an import up.
pub(crate) fn cancel<H: Host>(client: &Client<'_, H>, awaited: &Awaited) -> Result<(), Error> {
    let import = DiskImport::read(&awaited.id).ok_or_else(|| Error::not_found("operation", &awaited.id))?;
    import.give_up(client)?;
    import.uploaded.as_ref().map_or(Ok(()), |object| remove(client, object))
}

impl DiskImport {
    fn write(&self) -> String {
        let (bucket, key) = self
            .uploaded
            .as_ref()
            .map_or(("", ""), |object| (&object.bucket, &object.key));
        let boot_mode = self.boot_mode.as_deref().unwrap_or_default();
        [&self.task, &self.architecture, boot_mode, bucket, key, &self.name].join("+")
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, SEPARATOR).map(str::to_owned);
        let mut next = || parts.next();
        let (task, architecture, boot_mode) = (next()?, next()?, next()?);
        let (bucket, key, name) = (next()?, next()?, next()?);
        Some(Self {
            task,
            architecture,
            boot_mode: Some(boot_mode).filter(|mode| !mode.is_empty()),
            uploaded: (!bucket.is_empty()).then_some(Object { bucket, key }),
            name,
        })
    }

    fn doing(&self) -> String {
        format!("importing image `{}`", self.name)
    }

    /// EC2's task; none when it cannot be seen.
    fn task<H: Host>(&self, client: &Client<'_, H>) -> Result<Option<Task>, Error> {
        let query = Query::ec2("DescribeImportSnapshotTasks").with_list("ImportTaskId", [&self.task]);
        let found = client.read_about(
            &query,
            &self.doing(),
            Some(Subject::new("operation", &self.task)),
            |root| {
                let task = root
                    .set("importSnapshotTaskSet")
                    .find(|task| task.text("importTaskId") == Some(&self.task));
                let detail = task.and_then(|task| task.child("snapshotTaskDetail"));
                Ok(detail.map(|detail| Task {
                    status: detail.string("status").unwrap_or_default(),
                    message: detail.string("statusMessage"),
                    progress: detail
                        .text("progress")
                        .and_then(|percent| percent.trim_end_matches('%').parse().ok()),
                    snapshot: detail.string("snapshotId"),
                }))
            },
        );
        match found {
            // As everything that is new, it may not be seen at once.
            Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => Ok(None),
            answer => answer,
        }
    }

    /// Has EC2 give its task up.
    fn give_up<H: Host>(&self, client: &Client<'_, H>) -> Result<(), Error> {
        let doing = format!("giving up the import of image `{}`", self.name);
        let query = Query::ec2("CancelImportTask").with("ImportTaskId", &self.task);
        client.change(&query, &doing, Some(Subject::new("operation", &self.task)))
    }

    fn step<H: Host>(
        &self,
        client: &Client<'_, H>,
        awaited: &Awaited,
        task: Option<Task>,
    ) -> Result<OperationState, Error> {
        match task {
            Some(Task {
                status,
                snapshot: Some(snapshot),
                ..
            }) if status == awaited.state => self.finish(client, &snapshot),
            Some(task) if ["deleting", "deleted"].contains(&task.status.as_str()) => Err(self.failed(client, task)),
            Some(task) => {
                let words = task.message.unwrap_or(task.status);
                Ok(still(task.progress, format!("EC2 imports the disk: {words}")))
            }
            None => operations::judge(awaited, None, operations::now(client.host()))
                .map_err(|error| self.undone(client, error, None)),
        }
    }

    /// Makes the image, unless an earlier question did, and deletes what was uploaded.
    fn finish<H: Host>(&self, client: &Client<'_, H>, snapshot: &str) -> Result<OperationState, Error> {
        let is_of_it = |image: &MachineImage| image.snapshots.iter().any(|one| one == snapshot);
        let made = match images::own_named(client, &self.name)? {
            Some(image) if is_of_it(&image) => Ok(image.id),
            Some(_) => Err(Error::already_exists("image", &self.name)),
            None => self.register(client, snapshot),
        };
        match made {
            Ok(id) => {
                if let Some(Err(left)) = self.uploaded.as_ref().map(|object| remove(client, object)) {
                    client.host().log(Level::Warn, &format!("{}: delete it", left.message));
                }
                Ok(OperationState {
                    done: true,
                    percent: Some(100),
                    message: None,
                    id: Some(id),
                })
            }
            // It may have happened: the next question finds it.
            Err(error) if is_unknown(&error) => Ok(still(Some(99), error.message)),
            Err(error) if is_taken(&error) && images::own_named(client, &self.name)?.is_none() => {
                Ok(still(Some(99), "the image cannot be seen yet".to_owned()))
            }
            Err(error) => Err(self.undone(client, error, Some(snapshot))),
        }
    }

    fn register<H: Host>(&self, client: &Client<'_, H>, snapshot: &str) -> Result<String, Error> {
        let query = Query::ec2("RegisterImage")
            .with("Name", &self.name)
            .with("Architecture", &self.architecture)
            .with("RootDeviceName", ROOT_DEVICE)
            .with("VirtualizationType", "hvm")
            // Current instance types have no other kind of network.
            .with("EnaSupport", true)
            .with_some("BootMode", self.boot_mode.as_ref())
            .with("BlockDeviceMapping.1.DeviceName", ROOT_DEVICE)
            .with("BlockDeviceMapping.1.Ebs.SnapshotId", snapshot)
            .with("BlockDeviceMapping.1.Ebs.DeleteOnTermination", true);
        let doing = self.doing();
        client.read_about(&query, &doing, Some(Subject::new("image", &self.name)), |root| {
            root.string("imageId")
                .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
        })
    }

    /// The error of a task that EC2 gave up; what was made for it is deleted. EC2 says `ClientError` of what it cannot use
    /// (<https://docs.aws.amazon.com/vm-import/latest/userguide/vmimport-troubleshooting.html>).
    fn failed<H: Host>(&self, client: &Client<'_, H>, task: Task) -> Error {
        let words = task.message.unwrap_or_else(|| "it does not say why".to_owned());
        let kind = match &self.uploaded {
            Some(_) if words.starts_with("ClientError") => ErrorKind::InvalidArgument("content".to_owned()),
            _ => Error::upstream(None, None, "").kind,
        };
        let error = Error::new(kind, format!("while {}: EC2 gave it up: {words}", self.doing()));
        self.undone(client, error, task.snapshot.as_deref())
    }

    /// Deletes everything that was made for an import that failed; the error says what is left.
    fn undone<H: Host>(&self, client: &Client<'_, H>, error: Error, snapshot: Option<&str>) -> Error {
        let doing = format!("deleting what was imported for image `{}`", self.name);
        let snapshot = snapshot.map(|snapshot| {
            let query = Query::ec2("DeleteSnapshot").with("SnapshotId", snapshot);
            match client.change(&query, &doing, Some(Subject::new("snapshot", snapshot))) {
                Err(gone) if matches!(gone.kind, ErrorKind::NotFound(_)) => Ok(()),
                outcome => outcome,
            }
        });
        let error = with_left(error, snapshot);
        with_left(error, self.uploaded.as_ref().map(|object| remove(client, object)))
    }
}

/// Deletes what was uploaded. S3 answers the deletion of nothing with success.
fn remove<H: Host>(client: &Client<'_, H>, object: &Object) -> Result<(), Error> {
    buckets::remove(client.host(), client.function(), &object.bucket, &object.key)
}

/// The error, with what could not be deleted after it.
fn with_left(mut error: Error, undone: Option<Result<(), Error>>) -> Error {
    if let Some(Err(left)) = undone {
        error
            .message
            .push_str(&format!("; something is left: {}", left.message));
    }
    error
}

fn still(percent: Option<u8>, message: String) -> OperationState {
    OperationState {
        done: false,
        percent,
        message: Some(message),
        id: None,
    }
}

/// Whether an error says nothing about the change: asking again says more.
fn is_unknown(error: &Error) -> bool {
    match &error.kind {
        ErrorKind::RateLimited(_) | ErrorKind::TimedOut | ErrorKind::Unavailable => true,
        // An answer that is none of AWS's, or a failure of AWS's own.
        ErrorKind::Upstream(fault) => fault.code.is_none() || fault.status.is_some_and(|status| status >= 500),
        _ => false,
    }
}

fn is_taken(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::AlreadyExists(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_everything_and_nothing_else_is_one() {
        let import = DiskImport {
            task: "import-snap-1".to_owned(),
            architecture: "arm64".to_owned(),
            boot_mode: Some("uefi".to_owned()),
            uploaded: Some(Object {
                bucket: "b.1".to_owned(),
                key: "stockade-import/k".to_owned(),
            }),
            name: "a (b)/c".to_owned(),
        };
        assert_eq!(DiskImport::read(&import.write()), Some(import.clone()));
        let of_others = DiskImport {
            boot_mode: None,
            uploaded: None,
            ..import
        };
        assert_eq!(DiskImport::read(&of_others.write()), Some(of_others));
        assert_eq!(DiskImport::read("import-snap-1+x86_64"), None);
    }
}
