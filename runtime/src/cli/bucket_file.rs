//! `bucket-file`: the objects in a bucket.

use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use stockade::Error;
use stockade::blobs::Blob;
use stockade::contract::BucketObject;

use crate::cli::change::{Change, change_each, print_changes};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::new_file::NewFile;
use crate::cli::noun::{self, Confirmation, quoted};
use crate::cli::output::{self, Column, Located, Record, column, optional, size_bytes, wide};
use crate::cli::terminal;

impl Record for BucketObject {
    const COLUMNS: &'static [Column<Self>] = &[
        column("KEY", |object: &Self| object.key.clone()),
        column("SIZE", |object| size_bytes(&object.size)),
        column("MODIFIED", |object| optional(object.modified_at.as_ref())),
        wide("ETAG", |object| optional(object.etag.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.key
    }
}

/// Which objects to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The bucket
    bucket: String,
    /// Only those whose key begins so
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
}

/// A file to upload.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The bucket
    bucket: String,
    /// The file
    path: PathBuf,
    /// The object's key; the file's name otherwise
    #[arg(short, long)]
    key: Option<String>,
    /// Everybody may read it
    #[arg(short, long)]
    public: bool,
    /// Print a URL by which anybody can read it for this many seconds
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "3600")]
    temporary_url: Option<u32>,
}

/// An object to download.
#[derive(Debug, Args)]
pub(crate) struct Download {
    /// The bucket
    bucket: String,
    /// The object's key
    key: String,
    /// The file to write; the last part of the key otherwise. One that exists is not touched
    #[arg(short, long)]
    file: Option<PathBuf>,
}

/// An object to share.
#[derive(Debug, Args)]
pub(crate) struct Presign {
    /// The bucket
    bucket: String,
    /// The object's key
    key: String,
    /// How long the URL is good for
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    valid: u32,
}

/// Objects to delete.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The bucket
    bucket: String,
    /// The objects' keys
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Lists a bucket's objects.
pub(crate) async fn list(context: &Context, arguments: &List) -> Outcome {
    let work =
        async |service: stockade::Service| service.list_bucket_objects(&arguments.bucket, &arguments.prefix).await;
    noun::print_lists(context, context.on_each(work).await?)
}

/// Uploads a file.
pub(crate) async fn create(context: &Context, arguments: &Create) -> Outcome {
    let path = &arguments.path;
    let key = match &arguments.key {
        Some(key) => key.clone(),
        None => last_part(&path.to_string_lossy())?,
    };
    let file = File::open(path).map_err(|error| Error::io(format_args!("reading `{}`", path.display()), &error))?;
    let service = context.service().await?;
    let content = Blob::from_file(file);
    let id = service
        .upload_bucket_object(&arguments.bucket, &key, content, arguments.public)
        .await?;
    if let Some(seconds) = arguments.temporary_url {
        return print_url(context, &service, &arguments.bucket, &key, seconds).await;
    }
    let done = Change::new("bucket-file", "uploaded").of(&key, Some(id));
    print_changes(context, &[Located::on(service.connection(), done)], false)
}

/// Downloads an object into a new file.
pub(crate) async fn download(context: &Context, arguments: &Download) -> Outcome {
    let path = match &arguments.file {
        Some(path) => path.clone(),
        None => last_part(&arguments.key)?.into(),
    };
    let service = context.service().await?;
    let file = NewFile::create(&path)?;
    let into = file.blob()?;
    service
        .download_bucket_object(&arguments.bucket, &arguments.key, into)
        .await?;
    file.keep();
    let done = Change::new("bucket-file", "downloaded").of(&arguments.key, None);
    print_changes(context, &[Located::on(service.connection(), done)], false)
}

/// Prints a URL by which anybody can read an object for a while.
pub(crate) async fn presign(context: &Context, arguments: &Presign) -> Outcome {
    let service = context.service().await?;
    print_url(context, &service, &arguments.bucket, &arguments.key, arguments.valid).await
}

/// Deletes objects.
pub(crate) async fn delete(context: &Context, arguments: &Delete) -> Outcome {
    let service = context.service().await?;
    let action = format!(
        "delete {} of bucket `{}` of connection `{}`",
        quoted(&arguments.keys),
        arguments.bucket,
        service.connection()
    );
    terminal::confirm(arguments.confirmation.yes, &action)?;
    let change = Change::deleted("bucket-file");
    change_each(context, &service, change, &arguments.keys, async |service, key| {
        service.delete_bucket_object(&arguments.bucket, key).await
    })
    .await
}

async fn print_url(context: &Context, service: &stockade::Service, bucket: &str, key: &str, seconds: u32) -> Outcome {
    let url = service.presign_bucket_object(bucket, key, seconds).await?;
    if context.output.is_for_people() {
        return Ok(output::print(&format!("{}\n", terminal::clean(&url)))?);
    }
    let answer = serde_json::json!({
        "connection": service.connection(), "bucket": bucket, "key": key, "url": url, "valid_seconds": seconds
    });
    Ok(context.output.print_value(&answer, &url)?)
}

/// What follows the last slash.
fn last_part(path: &str) -> Outcome<String> {
    match path.rsplit('/').next() {
        Some(name) if !matches!(name, "" | "." | "..") => Ok(name.to_owned()),
        _ => Err(Failure::usage(
            format!("`{path}` has no name to give to the copy"),
            "name it: `--key KEY` or `--file FILE`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_never_leaves_its_directory_by_its_name() {
        assert_eq!(last_part("a/b.txt").unwrap(), "b.txt");
        for wrong in ["", "a/", "a/..", ".", "/"] {
            assert!(last_part(wrong).is_err(), "{wrong}");
        }
    }
}
