//! `pool`.

use clap::Args;
use stockade::contract::{Pool, PoolSpec};

use crate::cli::arguments::ProviderOptions;
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun;
use crate::cli::output::{Column, Record, column, optional, wide, yes_no};

impl Record for Pool {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |pool: &Self| pool.name.clone()),
        column("TYPE", |pool| pool.r#type.clone()),
        column("ACTIVE", |pool| yes_no(Some(pool.active))),
        column("SIZE", |pool| gib(pool.capacity_gib)),
        column("FREE", |pool| gib(pool.available_gib)),
        wide("ID", |pool| pool.id.clone()),
        wide("PATH", |pool| optional(pool.path.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

fn gib(size: Option<u32>) -> String {
    optional(size.map(|gib| format!("{gib} GiB")).as_ref())
}

/// A pool to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new pool's name
    name: String,
    /// Its type: `dir`, `logical`, `zfs`
    #[arg(short, long = "type", value_name = "TYPE")]
    r#type: Option<String>,
    /// Its path or source
    #[arg(short, long)]
    path: Option<String>,
    #[command(flatten)]
    options: ProviderOptions,
}

/// Pools to delete.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    common: noun::Deletion,
    /// Delete everything in it; without it, a pool that is not empty is not deleted
    #[arg(long)]
    contents: bool,
}

/// Creates a pool.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let inputs = arguments.options.inputs()?;
    let spec = PoolSpec {
        name: arguments.name,
        r#type: arguments.r#type,
        path: arguments.path,
        options: Vec::new(),
    };
    let service = context.service().await?;
    let id = service.create_pool(spec, &inputs).await?;
    noun::show::<Pool>(context, &service, &id).await
}

/// Deletes pools.
pub(crate) async fn delete(context: &Context, arguments: &Delete) -> Outcome {
    noun::delete(context, "pool", &arguments.common, async |service, name| {
        service.delete_pool(name, arguments.contents).await
    })
    .await
}
