//! `bucket`. What is in buckets is in `bucket_file`.

use clap::Args;
use stockade::contract::Bucket;
use stockade::{Error, Service};

use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun::{self, Names, Noun};
use crate::cli::output::{Column, Record, column, optional};

impl Record for Bucket {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |bucket: &Self| bucket.name.clone()),
        column("LOCATION", |bucket| optional(bucket.location.as_ref())),
        column("CREATED", |bucket| optional(bucket.created_at.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

impl Noun for Bucket {
    async fn list(service: &Service) -> Result<Vec<Self>, Error> {
        service.list_buckets().await
    }

    async fn get(service: &Service, name: &str) -> Result<Self, Error> {
        noun::find(service, "bucket", name, |bucket: &Self| bucket.name == name).await
    }
}

/// Buckets to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    names: Names,
    /// Everybody may read what is in it
    #[arg(short, long)]
    public: bool,
}

/// Buckets to delete.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    common: noun::Deletion,
    /// Delete everything in it; without it, a bucket that is not empty is not deleted
    #[arg(long)]
    contents: bool,
}

/// Creates buckets.
pub(crate) async fn create(context: &Context, arguments: &Create) -> Outcome {
    let service = context.service().await?;
    let change = Change::new("bucket", "created");
    let names = &arguments.names.names;
    change_each(context, &service, change, names, async |service, name| {
        service.create_bucket(name, arguments.public).await
    })
    .await
}

/// Deletes buckets.
pub(crate) async fn delete(context: &Context, arguments: &Delete) -> Outcome {
    noun::delete(context, "bucket", &arguments.common, async |service, name| {
        service.delete_bucket(name, arguments.contents).await
    })
    .await
}
