//! `serve`: the HTTP API. The one command that lives long, and the one with several threads.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use stockade::Runtime;
use stockade::engine::EngineProfile;
use tracing_subscriber::EnvFilter;

use crate::cli::failure::{Failure, Outcome};

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8735")]
    listen: SocketAddr,
    /// The file with the token that clients must present; made when it does not exist
    #[arg(long, value_name = "FILE", conflicts_with = "without_token")]
    token_file: Option<PathBuf>,
    /// Serve everybody who can connect
    #[arg(long)]
    without_token: bool,
}

/// Chooses what is logged, in `tracing`'s words: `info`, `stockade=debug`.
const LOG_VARIABLE: &str = "STOCKADE_LOG";

/// Serves until it is told to stop.
pub(crate) fn run(arguments: Serve) -> Outcome {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_env_filter(filter)
        .init();
    let runtime = Runtime::builder().profile(EngineProfile::Server).build()?;
    let threads = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::from(stockade::Error::io("starting", &error)))?;
    threads.block_on(serve(runtime, arguments))
}

/// Hands over to the HTTP API.
async fn serve(_runtime: Runtime, arguments: Serve) -> Outcome {
    let Serve {
        listen,
        token_file: _,
        without_token: _,
    } = arguments;
    let kind = stockade::contract::ErrorKind::Unsupported("serve".to_owned());
    Err(stockade::Error::new(kind, format!("cannot serve on {listen}: this build has no HTTP API")).into())
}
