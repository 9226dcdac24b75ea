//! `image`.

use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use stockade::Error;
use stockade::blobs::Blob;
use stockade::contract::{Image, ImageSpec};

use crate::cli::arguments::ProviderOptions;
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun;
use crate::cli::output::{Column, Record, column, optional, size_mib, wide, yes_no};

impl Record for Image {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |image: &Self| image.name.clone()),
        column("POOL", |image| optional(image.pool.as_ref())),
        column("FORMAT", |image| optional(image.format.as_ref())),
        column("SIZE", |image| size_mib(image.size_mib)),
        wide("ID", |image| image.id.clone()),
        wide("OS", |image| optional(image.os_name.as_ref())),
        wide("ARCHITECTURE", |image| optional(image.architecture.as_ref())),
        wide("PUBLIC", |image| yes_no(image.public)),
        wide("CREATED", |image| optional(image.created_at.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

/// An image to bring in.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new image's name
    name: String,
    #[command(flatten)]
    source: Source,
    /// The pool for it
    #[arg(long)]
    pool: Option<String>,
    /// The content's format; found out otherwise
    #[arg(long)]
    format: Option<String>,
    /// The content's SHA-256 in hexadecimal; it is checked
    #[arg(long, value_name = "DIGEST", value_parser = sha256)]
    sha256: Option<String>,
    #[command(flatten)]
    options: ProviderOptions,
}

/// Where an image comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// A file to upload
    #[arg(long)]
    file: Option<PathBuf>,
    /// A URL that the vendor fetches
    #[arg(long)]
    url: Option<String>,
}

/// Creates an image.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let inputs = arguments.options.inputs()?;
    let spec = ImageSpec {
        name: arguments.name,
        pool: arguments.pool,
        format: arguments.format,
        sha256: arguments.sha256,
        options: Vec::new(),
    };
    let service = context.service().await?;
    let id = match (&arguments.source.file, &arguments.source.url) {
        (Some(path), _) => {
            let file =
                File::open(path).map_err(|error| Error::io(format_args!("reading `{}`", path.display()), &error))?;
            service.upload_image(spec, &inputs, Blob::from_file(file)).await?
        }
        (None, url) => {
            service
                .import_image(spec, &inputs, url.as_deref().unwrap_or_default())
                .await?
        }
    };
    noun::show::<Image>(context, &service, &id).await
}

/// Deletes images.
pub(crate) async fn delete(context: &Context, arguments: &noun::Deletion) -> Outcome {
    noun::delete(context, "image", arguments, async |service, name| {
        service.delete_image(name).await
    })
    .await
}

fn sha256(text: &str) -> Result<String, String> {
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("it must be 64 hexadecimal digits".to_owned()),
    }
}
